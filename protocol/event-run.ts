/**
 * A run of a program for one log of a chain: what the enclave's answer names as its request. Every field follows from the log and the
 * program, so that there is one run of each program for each log. docs/reference/protocol.md, Event runs.
 */

import * as z from "zod";
import type { Hex } from "./bytes.ts";
import { bytes32, uint256, uint32 } from "./fields.ts";
import { bytes32Word, hashWords, keccakText, uintWord } from "./struct-hash.ts";

export const EventRun = z.strictObject({
  /** The caller's word: an id that names another chain than the block's is another run, and nobody looks for it. */
  chainId: uint256,
  blockHash: bytes32,
  /** In the block. */
  logIndex: uint32,
  programHash: bytes32,
});
export type EventRun = z.output<typeof EventRun>;

export const EVENT_RUN_TYPE =
  "EventRun(uint256 chainId,bytes32 blockHash,uint32 logIndex,bytes32 programHash)";
const EVENT_RUN_TYPEHASH = keccakText(EVENT_RUN_TYPE);

/** The `requestId` of the run's answer. */
export function eventRunId(run: EventRun): Hex {
  return hashWords(EVENT_RUN_TYPEHASH, [
    uintWord(run.chainId),
    bytes32Word(run.blockHash),
    uintWord(run.logIndex),
    bytes32Word(run.programHash),
  ]);
}
