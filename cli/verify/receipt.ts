/** `adyton verify RECEIPT`. */

import type { AppraisalPolicy, FurtherCheck } from "../../attestation/index.ts";
import { judgeReceipt } from "../../attestation/receipt/on-demand.ts";
import { toOutcome, type VerifyOutcome } from "./report.ts";

export interface ReceiptOptions {
  readonly policy: AppraisalPolicy | null;
  readonly further: FurtherCheck | null;
}

/** Judges a receipt. Errors of the taxonomy become the outcome; anything else is a bug and is thrown. */
export async function verifyReceiptFile(
  file: Uint8Array,
  { policy, further }: ReceiptOptions,
): Promise<VerifyOutcome> {
  const chosen = policy === null ? null : ({ policy, origin: "own" } as const);
  return toOutcome(await judgeReceipt(file, { policy: chosen, further }));
}
