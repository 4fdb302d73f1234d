/** The index of the oracle node that the flags name. What it says is its word; receipts are judged here. */

import { readAtMost } from "../../client/read-at-most.ts";
import { fromUtf8 } from "../../protocol/bytes.ts";
import { InputError, UpstreamError } from "../../protocol/errors.ts";
import { MAX_RECEIPT_BYTES } from "../../protocol/limits.ts";
import { whenSettled } from "../receipt/download.ts";

/** Bytes of a list of 500 requests, several times over. */
const MAX_LIST_BYTES = 4 * 1024 * 1024;
const TIMEOUT_MS = 10_000;

export interface NodeIndex {
  readonly list: (filter: URLSearchParams) => Promise<unknown>;
  readonly get: (requestId: string) => Promise<unknown>;
  /** The receipt's text. @throws {InputError} INPUT_NOT_FOUND, also while the request is not settled */
  readonly receipt: (requestId: string) => Promise<string>;
  /** The same of a request that the chain has settled, which the node may be about to read. */
  readonly settledReceipt: (requestId: string) => Promise<string>;
}

export function connectToIndex(nodeUrl: string): NodeIndex {
  const look = (path: string): Promise<Response> =>
    fetch(new URL(path, nodeUrl), {
      headers: { accept: "application/json" },
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((cause: unknown) => {
      throw new UpstreamError({
        code: "ENCLAVE_UNAVAILABLE",
        message: "the oracle node of this server does not answer: tell whoever runs `adyton mcp`",
        cause,
      });
    });
  const read = async (reply: Response, limit: number): Promise<string> => {
    const body = await readAtMost(reply, limit);
    if (reply.ok) return fromUtf8(body);
    throw new InputError({
      code: reply.status === 400 ? "INPUT_INVALID" : "INPUT_NOT_FOUND",
      message: `the node says HTTP ${reply.status}${reply.status === 409 ? ": not settled yet" : ""}`,
    });
  };
  const ask = async (path: string, limit: number): Promise<string> => read(await look(path), limit);
  return {
    list: async (filter) =>
      JSON.parse(await ask(`/v1/requests?${filter.toString()}`, MAX_LIST_BYTES)) as unknown,
    get: async (requestId) => JSON.parse(await ask(`/v1/requests/${requestId}`, MAX_LIST_BYTES)) as unknown,
    receipt: (requestId) => ask(`/v1/receipts/${requestId}`, MAX_RECEIPT_BYTES),
    settledReceipt: async (requestId) =>
      read(await whenSettled(() => look(`/v1/receipts/${requestId}`)), MAX_RECEIPT_BYTES),
  };
}
