/** The receipt of an answer, from the oracle that carried it. Nothing in it is believed before it is verified. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { InputError, UpstreamError } from "../../protocol/errors.ts";
import { MAX_RECEIPT_BYTES } from "../../protocol/limits.ts";
import { commandLine } from "../invocation.ts";

/** An oracle's reply while the receipt is not for everybody yet. */
const UNSETTLED = 409;
const LOOK_MS = 250;
/** Ten seconds: some blocks. */
const MOST_LOOKS = 40;

export interface SavedReceipt {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/**
 * Saves the receipt as a file of `folder`.
 *
 * @throws {UpstreamError} ENCLAVE_UNAVAILABLE when no oracle answers there
 * @throws {InputError} INPUT_NOT_FOUND when it has no receipt of this request, or not yet
 */
export async function downloadReceipt(
  oracleUrl: string,
  requestId: Hex,
  folder: string,
): Promise<SavedReceipt> {
  const response = await fetchSettled(oracleUrl, requestId);
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (response.status === 404) {
    throw new InputError({
      code: "INPUT_NOT_FOUND",
      message: `the oracle at ${oracleUrl} has no receipt of ${requestId}: it was not answered (yet), or by another oracle: \`${commandLine("receipt", requestId, "--node", "URL")}\` asks that one`,
    });
  }
  if (!response.ok || bytes.length > MAX_RECEIPT_BYTES) {
    throw new UpstreamError({
      code: "ENCLAVE_UNAVAILABLE",
      message: `the oracle gives no receipt for ${requestId} (HTTP ${response.status})`,
      details: { status: response.status, size: bytes.length },
    });
  }
  if (!isJson(bytes)) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `what answers at ${oracleUrl} is no oracle node: it gave something that is no receipt, which is not saved`,
    });
  }
  createFolder(folder);
  const file = join(folder, `receipt-${requestId.slice(2, 10)}.json`);
  writeFileSync(file, bytes);
  return { file, bytes };
}

/** More is found out by verifying it: nothing in it is believed here. */
function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder().decode(bytes));
    return true;
  } catch {
    return false;
  }
}

async function fetchSettled(oracleUrl: string, requestId: Hex): Promise<Response> {
  return whenSettled(() =>
    fetch(new URL(`/v1/receipts/${requestId}`, oracleUrl)).catch((cause: unknown) => {
      throw new UpstreamError({
        code: "ENCLAVE_UNAVAILABLE",
        message: `no oracle answers at ${oracleUrl}: the receipt of ${requestId} is not saved`,
        cause,
      });
    }),
  );
}

/** Looks at the oracle again for a moment: a receipt is served once the oracle has read the block that settled its request. */
export async function whenSettled(look: () => Promise<Response>): Promise<Response> {
  for (let looks = 0; ; looks += 1) {
    const response = await look();
    if (response.status !== UNSETTLED || looks === MOST_LOOKS) return response;
    await response.body?.cancel();
    await wait(LOOK_MS);
  }
}
