/** `POST /v1/epoch-witnesses`: an epoch of a proven ledger, for an enclave to vouch for beside the proof. */

import * as z from "zod";
import { address, bytes32, signature65, uint64 } from "../../protocol/fields.ts";
import { StatePathWire } from "../ledger/state-path.ts";
import { element } from "./elements.ts";
import { TransitionRecord, TransitionSigner } from "./epoch-file.ts";
import { ProvenLedgerName } from "./transition.ts";

/** As many as the largest circuit has. */
export const MAX_EPOCH_ROWS = 512;

const Step = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("signed"), transition: TransitionRecord }),
  z.strictObject({ kind: z.literal("read"), key: bytes32 }),
  z.strictObject({ kind: z.literal("inbox"), key: bytes32, value: bytes32 }),
]);

export const EpochWitnessCall = z.strictObject({
  ledger: ProvenLedgerName,
  epoch: uint64,
  oldRoot: element,
  /** Enclaves whose transitions the rows are; `group` as the contract says it. */
  signers: z.array(TransitionSigner.extend({ group: element })).max(8),
  steps: z.array(Step).min(1).max(MAX_EPOCH_ROWS),
  /** One for each key of the steps, under `oldRoot`. */
  paths: z.array(StatePathWire).max(MAX_EPOCH_ROWS),
});
export type EpochWitnessCall = z.output<typeof EpochWitnessCall>;

export const EpochWitnessReply = z.strictObject({
  keysetId: bytes32,
  answerKey: address,
  newRoot: element,
  /** Of `witnessDigest`. */
  signature: signature65,
});
export type EpochWitnessReply = z.output<typeof EpochWitnessReply>;
