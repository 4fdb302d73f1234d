/** What a prover is given beside the chain, and what it hands on: JSON, words as lower-case hex. */

import * as z from "zod";
import { address, bytes32, signature65, uint64 } from "../../protocol/fields.ts";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import { uintWord } from "../../protocol/struct-hash.ts";
import { element, scalar } from "./elements.ts";
import { publicInputsOf, rowBytes, witnessDigest, type EpochStatement } from "./epoch-statement.ts";

const point = { x: element, y: element };

const Signature = z.strictObject({ ...point, s: scalar, e: element });

/** An enclave, and the key that it named for the ledger. */
export const TransitionSigner = z.strictObject({
  keysetId: bytes32,
  answerKey: address,
  ...point,
  signature: signature65,
});
export type TransitionSigner = z.output<typeof TransitionSigner>;

/** A write, with the signatures that there are of it. */
export const TransitionRecord = z.strictObject({
  key: bytes32,
  seq: uint64,
  value: bytes32,
  oldLeaf: element,
  link: bytes32,
  signatures: z.array(Signature).max(8),
});
export type TransitionRecord = z.output<typeof TransitionRecord>;

/** Reply of `GET /v1/ledgers/{id}/transitions`: writes that enclaves signed, in the order in which they follow from each other. */
export const TransitionsFile = z.strictObject({
  signers: z.array(TransitionSigner).max(8),
  transitions: z.array(TransitionRecord),
});
export type TransitionsFile = z.output<typeof TransitionsFile>;

export interface ProvenEpochFile {
  /** What one admitted enclave signs, for `settle` to take it. */
  readonly witnessDigest: Hex;
  readonly epoch: {
    readonly oldRoot: Hex;
    readonly newRoot: Hex;
    readonly commitment: Hex;
    readonly payee: Hex;
  };
  readonly signers: readonly object[];
  readonly rows: Hex;
  readonly proof: Hex;
}

export function provenEpochFile(
  statement: EpochStatement,
  { signers }: TransitionsFile,
  proof: Hex,
): ProvenEpochFile {
  const word = (value: bigint): Hex => toHex(uintWord(value));
  const { oldRoot, newRoot, commitment } = publicInputsOf(statement);
  return {
    witnessDigest: witnessDigest(statement),
    epoch: {
      oldRoot: word(oldRoot),
      newRoot: word(newRoot),
      commitment: word(commitment),
      payee: statement.payee,
    },
    signers: signers.map((signer) => ({ ...signer, x: word(signer.x), y: word(signer.y) })),
    rows: toHex(rowBytes(statement.rows)),
    proof,
  };
}
