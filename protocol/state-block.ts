/** The block that an answer is bound to: not older than its request's, so that no answer is made before its request. */

import * as z from "zod";
import { bytes32, uint48 } from "./fields.ts";
import type { Hex } from "./bytes.ts";

/** `stateBlockHash` of an answer that is bound to no block: off chain, and nowhere else. */
export const NO_STATE_BLOCK: Hex = `0x${"00".repeat(32)}`;

const blockHash = bytes32.refine((hash) => hash !== NO_STATE_BLOCK, {
  error: "a block's hash is never zero",
});

export const StateBlock = z.strictObject({
  /** The host's word, and under no signature: the coordinator compares the hash of the block of this number. */
  number: uint48,
  hash: blockHash,
});
export type StateBlock = z.output<typeof StateBlock>;

/** As a transcript has it: the number stays a decimal string, since events are hashed as they are written. */
export const StateBlockText = z.strictObject({
  number: z.string().regex(/^(?:0|[1-9][0-9]{0,14})$/, { error: "expected a block number as a string" }),
  hash: blockHash,
});
export type StateBlockText = z.output<typeof StateBlockText>;

export function toStateBlockText({ number, hash }: StateBlock): StateBlockText {
  return { number: number.toString(), hash };
}
