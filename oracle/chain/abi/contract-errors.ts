/** The contracts' refusals in words: a selector tells an operator nothing. */

import { type ErrorFragment, Interface } from "ethers";
import { AttestationResultVerifier__factory } from "../../../contracts/bindings/factories/AttestationResultVerifier__factory.ts";
import { TdxVerifier__factory } from "../../../contracts/bindings/factories/TdxVerifier__factory.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import {
  coordinatorInterface,
  ledgerInterface,
  pushFeedInterface,
  registryInterface,
} from "../contracts/contracts.ts";

/** `Refusal` of contracts/src/interfaces/IOracleCoordinator.sol, in its order. */
export const REFUSALS = [
  "None",
  "NotPending",
  "DeadlinePassed",
  "Cancelled",
  "AnswersAnotherRequest",
  "StatusInvalid",
  "FallbackWindowNotReached",
  "OutputMismatch",
  "OutputTooLarge",
  "OutputUnexpected",
  "StateBlockTooOld",
  "StateBlockUnknown",
  "StateBlockMismatch",
  "AnsweredAtOutOfRange",
  "ThresholdNotMet",
  "LeafNotInBatch",
  "SignerNotAdmitted",
  "QuorumRequired",
] as const;

/** Those that a transaction of an oracle reaches. A registry's refusal may be its verifier's. */
const INTERFACES: readonly Interface[] = [
  coordinatorInterface,
  registryInterface,
  pushFeedInterface,
  ledgerInterface,
  new Interface(TdxVerifier__factory.abi),
  new Interface(AttestationResultVerifier__factory.abi),
];

const SELECTOR_CHARS = 10;

const ERRORS = new Map<string, { readonly of: Interface; readonly error: ErrorFragment }>();
for (const of of INTERFACES) of.forEachError((error) => ERRORS.set(error.selector, { of, error }));

export interface ContractError {
  readonly name: string;
  /** The error as the contract would write it: `FulfillmentRefused(0x…, NotPending)`. */
  readonly text: string;
}

/** `undefined` for data that is no error of our contracts. */
export function decodeContractError(data: Hex): ContractError | undefined {
  const known = ERRORS.get(data.slice(0, SELECTOR_CHARS));
  if (known === undefined) return undefined;
  const { name, inputs } = known.error;
  try {
    const values = known.of.decodeErrorResult(known.error, data).toArray() as unknown[];
    const words = inputs.map(({ name: input }, index) => toWord(name, input, values[index]));
    return { name, text: `${name}(${words.join(", ")})` };
  } catch {
    // Cut short by the node: the name is what matters.
    return { name, text: name };
  }
}

function toWord(error: string, input: string, value: unknown): string {
  const isRefusal = error === "FulfillmentRefused" && input === "reason";
  return (isRefusal ? REFUSALS[Number(value)] : undefined) ?? String(value).toLowerCase();
}
