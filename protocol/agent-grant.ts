/**
 * A grant of an AgentAccount, as whoever submits a run presents it: `abi.encode(grant)`, which its id is the hash of. Read whole, so that
 * nothing that decides about a run is anybody's word. contracts/src/agents/Grant.sol.
 */

import * as AbiParameters from "ox/AbiParameters";
import { AnswerStatus } from "./answer.ts";
import { concatBytes, equalBytes, fromHex, toHex, type Hex } from "./bytes.ts";
import { InputError } from "./errors.ts";
import { keccak, uintWord } from "./struct-hash.ts";

const GRANT_ABI = [
  {
    name: "grant",
    type: "tuple",
    components: [
      { name: "programHash", type: "bytes32" },
      { name: "policyId", type: "bytes32" },
      { name: "validUntil", type: "uint40" },
      { name: "slotSeconds", type: "uint32" },
      { name: "lifetimeSeconds", type: "uint32" },
      { name: "windowSeconds", type: "uint32" },
      { name: "maxCalls", type: "uint8" },
      { name: "maxIdleClaims", type: "uint16" },
      { name: "followsPolicy", type: "bool" },
      { name: "fee", type: "uint96" },
      { name: "gasPriceCap", type: "uint64" },
      { name: "valuePerWindow", type: "uint128" },
      { name: "callers", type: "address[]" },
      {
        name: "permissions",
        type: "tuple[]",
        components: [
          { name: "target", type: "address" },
          { name: "selector", type: "bytes4" },
          { name: "minGas", type: "uint32" },
          {
            name: "limits",
            type: "tuple[]",
            components: [
              { name: "word", type: "uint16" },
              { name: "rule", type: "uint8" },
              { name: "values", type: "bytes32[]" },
            ],
          },
        ],
      },
      {
        name: "tokens",
        type: "tuple[]",
        components: [
          { name: "token", type: "address" },
          { name: "perWindow", type: "uint128" },
        ],
      },
    ],
  },
] as const;

/** What a run's terms follow from; what a run may do is the account's to check. */
export interface AgentGrant {
  readonly id: Hex;
  readonly programHash: Hex;
  readonly policyId: Hex;
  /** Zero in request mode. */
  readonly slotSeconds: bigint;
  readonly lifetimeSeconds: bigint;
  readonly maxIdleClaims: number;
  /** Wei for each run, out of which its models are paid. */
  readonly fee: bigint;
  /** Wei: the highest price of gas that is repaid. */
  readonly gasPriceCap: bigint;
}

/** @throws {InputError} INPUT_INVALID for another encoding than `abi.encode`'s own */
export function decodeAgentGrant(encoded: Uint8Array): AgentGrant {
  try {
    const [grant] = AbiParameters.decode(GRANT_ABI, new Uint8Array(encoded));
    const again = AbiParameters.encode(GRANT_ABI, [grant]).toLowerCase() as Hex;
    if (!equalBytes(fromHex(again), encoded)) throw new RangeError("not the canonical encoding");
    return {
      id: keccak(encoded),
      programHash: grant.programHash.toLowerCase() as Hex,
      policyId: grant.policyId.toLowerCase() as Hex,
      slotSeconds: BigInt(grant.slotSeconds),
      lifetimeSeconds: BigInt(grant.lifetimeSeconds),
      maxIdleClaims: grant.maxIdleClaims,
      fee: grant.fee,
      gasPriceCap: grant.gasPriceCap,
    };
  } catch (cause) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "the grant is not abi.encode(grant) of an AgentAccount's Grant",
      cause,
    });
  }
}

/** abi.encode(new Call[](0)): what a run returns that wants nothing done. */
export const NO_CALLS: Hex = toHex(concatBytes(uintWord(32), uintWord(0)));

/** Whether a run sends no transaction and is claimed with the next that acts. */
export function isIdleRun(status: number, output: Hex): boolean {
  return status === AnswerStatus.ok ? output === NO_CALLS : status === AnswerStatus.programFailed;
}
