/** `adyton verify RECEIPT`. */

import { judgeReceipt, type AppraisalPolicy, type FurtherCheck } from "../../attestation/index.ts";
import { toOutcome, type VerifyOutcome } from "./report.ts";

/** Text that only a receipt holds, whether or not it still is one: a damaged receipt is judged as a receipt. */
const RECEIPT_MARKS = ['"transcriptRoot"', '"transcript"', '"keyset"', '"signature"'];

export function looksLikeReceipt(file: Uint8Array): boolean {
  const text = new TextDecoder().decode(file);
  return text.trimStart().startsWith("{") && RECEIPT_MARKS.filter((mark) => text.includes(mark)).length >= 2;
}

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
