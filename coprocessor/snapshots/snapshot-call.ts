/** The request to sign a snapshot: everything that the rows follow from. `POST /v1/snapshots`. */

import * as z from "zod";
import { Answer } from "../../protocol/answer.ts";
import { bytes32, bytesHex, signature65, uint64, uint8 } from "../../protocol/fields.ts";
import { StateBlock } from "../../protocol/state-block.ts";
import { Checkpoint, LedgerName } from "../ledger/entry.ts";
import { StatePathWire } from "../ledger/state-path.ts";
import { SnapshotMember } from "../ledger/snapshot.ts";

/** Rows of one epoch fit a transaction that nodes relay; entries are checkpointed at each multiple. */
export const MAX_ROWS = 1_024;
/** As many as the contract takes. */
export const MAX_MEMBERS = 8;

/** An answer of one of the members. */
export const EntryAnswer = z.strictObject({
  member: uint8.max(MAX_MEMBERS - 1),
  answer: Answer,
  signature: signature65,
  output: bytesHex,
});
export type EntryAnswer = z.output<typeof EntryAnswer>;

export const AnsweredEntry = z.strictObject({
  key: bytes32,
  payloadHash: bytes32,
  /** As many as the terms' threshold, of different members. */
  answers: z.array(EntryAnswer).min(1).max(MAX_MEMBERS),
});
export type AnsweredEntry = z.output<typeof AnsweredEntry>;

export const SnapshotCall = z.strictObject({
  ledger: LedgerName,
  epoch: uint64,
  oldRoot: bytes32,
  /** What is settled: the contract holds the position, and the chain's value there follows from the closing one. */
  opening: z.strictObject({ position: uint64, entry: bytes32 }),
  closing: Checkpoint,
  /** The closing checkpoint's block. */
  stateBlock: StateBlock,
  members: z.array(SnapshotMember).min(1).max(MAX_MEMBERS),
  entries: z.array(AnsweredEntry).min(1).max(MAX_ROWS),
  /** One for each key of the entries, under `oldRoot`. */
  paths: z.array(StatePathWire).max(MAX_ROWS),
});
export type SnapshotCall = z.output<typeof SnapshotCall>;

/** The rows are told so that whoever settles need not compute them; the signature says that they are these. */
export const SnapshotReply = z.strictObject({
  rows: bytesHex,
  newRoot: bytes32,
  /** keccak256 of all that was judged: what the signature is of. */
  content: bytes32,
  keysetId: bytes32,
  signature: signature65,
});
export type SnapshotReply = z.output<typeof SnapshotReply>;
