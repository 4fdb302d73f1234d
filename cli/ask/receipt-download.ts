/** The receipt of an answer, from the oracle that carried it. Nothing in it is believed before it is verified. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Hex } from "../../protocol/bytes.ts";
import { UpstreamError } from "../../protocol/errors.ts";
import { MAX_RECEIPT_BYTES } from "../../protocol/limits.ts";

/**
 * Saves the receipt as a file of `folder`.
 *
 * @throws {UpstreamError} ENCLAVE_UNAVAILABLE when the oracle has none
 */
export async function downloadReceipt(oracleUrl: string, requestId: Hex, folder: string): Promise<string> {
  const response = await fetch(`${oracleUrl}/v1/receipts/${requestId}`).catch((cause: unknown) => {
    throw new UpstreamError({
      code: "ENCLAVE_UNAVAILABLE",
      message: `no oracle answers at ${oracleUrl}: the receipt of ${requestId} is not saved`,
      cause,
    });
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (!response.ok || bytes.length > MAX_RECEIPT_BYTES) {
    throw new UpstreamError({
      code: "ENCLAVE_UNAVAILABLE",
      message: `the oracle gives no receipt for ${requestId} (HTTP ${response.status})`,
      details: { status: response.status, size: bytes.length },
    });
  }
  const file = join(folder, `receipt-${requestId.slice(2, 10)}.json`);
  writeFileSync(file, bytes);
  return file;
}
