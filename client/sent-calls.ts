/** Remembers, for each reply that names a receipt, what its receipt has to be of and who may fetch it. */

import { sha256 } from "@noble/hashes/sha2.js";
import { toHex, type Hex } from "../protocol/bytes.ts";
import { InputError } from "../protocol/errors.ts";
import type { ReceiptOf } from "./attested-client.ts";

export interface SentCall {
  readonly receiptPath: string;
  /** The headers that showed whose call it was: a receipt is given to its caller alone. */
  readonly credentials: Readonly<Record<string, string>>;
  /** SHA-256 of the body as it was sent. */
  readonly bodyHash: Hex;
}

const RECEIPT_HEADER = "adyton-receipt";
const RECEIPT_PATH = /^\/v1\/receipts\/0x[0-9a-f]{64}$/;
/** As OpenAI's and as Anthropic's clients show it, and a sealed key whose owner has no other. */
const CREDENTIAL_HEADERS = ["authorization", "x-api-key", "adyton-provider-key"];
/** Replies whose receipts can still be asked for: an enclave keeps them for a while only. */
const MAX_KEPT = 1_024;

export class SentCalls {
  readonly #byPath = new Map<string, SentCall>();

  keep(request: Request, body: Uint8Array | null, response: Response): void {
    const receiptPath = response.headers.get(RECEIPT_HEADER);
    if (receiptPath === null || body === null || !RECEIPT_PATH.test(receiptPath)) return;
    const credentials: Record<string, string> = {};
    for (const name of CREDENTIAL_HEADERS) {
      const value = request.headers.get(name);
      if (value !== null) credentials[name] = value;
    }
    this.#byPath.set(receiptPath, { receiptPath, credentials, bodyHash: toHex(sha256(body)) });
    for (const oldest of this.#byPath.keys()) {
      if (this.#byPath.size <= MAX_KEPT) break;
      this.#byPath.delete(oldest);
    }
  }

  /** @throws {InputError} INPUT_NOT_FOUND */
  find(reply: ReceiptOf): SentCall {
    const path = receiptPathOf(reply);
    const call = path === undefined ? undefined : this.#byPath.get(path);
    if (call !== undefined) return call;
    throw new InputError({
      code: "INPUT_NOT_FOUND",
      message:
        path === undefined
          ? "this reply names no receipt"
          : "this client did not bring that reply, or has forgotten it",
    });
  }
}

function receiptPathOf(reply: ReceiptOf): string | undefined {
  const headers = hasHeaders(reply) ? reply.headers : reply;
  return new Headers(headers).get(RECEIPT_HEADER) ?? undefined;
}

function hasHeaders(reply: ReceiptOf): reply is Extract<ReceiptOf, { readonly headers: unknown }> {
  return !(reply instanceof Headers) && typeof reply["headers"] === "object";
}
