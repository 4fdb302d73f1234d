/** `POST /v1/transitions`: the row of a proven ledger that an enclave's answer is written to. */

import * as z from "zod";
import { bytes32, uint64 } from "../../protocol/fields.ts";
import { Request } from "../../protocol/request.ts";
import { element } from "./elements.ts";
import { TransitionRecord, TransitionSigner } from "./epoch-file.ts";
import { ProvenLedgerName } from "./transition.ts";

export const TransitionCall = z.strictObject({
  ledger: ProvenLedgerName,
  /** That the enclave answered. Its context names ledger, local key and seq (`transitionContext`). */
  request: Request,
  localKey: bytes32,
  seq: uint64.refine((seq) => seq > 0n, { error: "the first write of a key has seq 1" }),
  /** The leaf that the key has; zero of a key that was never written. The host's word, which the proof checks. */
  oldLeaf: element,
});
export type TransitionCall = z.output<typeof TransitionCall>;

/** With one signature: this enclave's. */
export const TransitionReply = z.strictObject({ signer: TransitionSigner, transition: TransitionRecord });
export type TransitionReply = z.output<typeof TransitionReply>;
