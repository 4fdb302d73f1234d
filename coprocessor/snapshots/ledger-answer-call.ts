/** `POST /v1/ledger-answers`: an entry of a ledger, once its checkpoint's block is known. */

import * as z from "zod";
import { bytes32, bytesHex, uint64 } from "../../protocol/fields.ts";
import { StateBlock } from "../../protocol/state-block.ts";
import { Checkpoint, LedgerName } from "../ledger/entry.ts";

export const LedgerAnswerCall = z.strictObject({
  ledger: LedgerName,
  position: uint64,
  /** The chain's value before this entry. */
  previous: bytes32,
  key: bytes32,
  payload: bytesHex,
  /** That the entry will be settled with; the host's word, which the contract checks. */
  closing: Checkpoint,
  /** The closing checkpoint's. */
  stateBlock: StateBlock,
});
export type LedgerAnswerCall = z.output<typeof LedgerAnswerCall>;
