/** `adyton verify TWIN --receipt RECEIPT`: a receipt's COSE twin. */

import { judgeCoseReceipt } from "../../attestation/receipt/on-demand.ts";
import type { ReceiptOptions } from "./receipt.ts";
import { toOutcome, type VerifyOutcome } from "./report.ts";

/** @param receipt the receipt file's bytes */
export async function verifyCoseFile(
  file: Uint8Array,
  receipt: Uint8Array | null,
  { policy, further }: ReceiptOptions,
): Promise<VerifyOutcome> {
  const chosen = policy === null ? null : ({ policy, origin: "own" } as const);
  return toOutcome(await judgeCoseReceipt(file, { policy: chosen, further, receipt }));
}
