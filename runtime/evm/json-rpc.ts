/** JSON-RPC 2.0 over HTTP, as servers of chains speak it. One call's bytes are always the same: a record has it by their hash. */

import { toUtf8 } from "../../protocol/bytes.ts";
import type { Json } from "../../protocol/canonical-json.ts";

export function rpcRequest(method: string, params: readonly Json[]): Uint8Array<ArrayBuffer> {
  return toUtf8(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }));
}

/** `result`; null where the answer has none. */
export function rpcResult(body: Uint8Array): unknown {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof json === "object" && json !== null && "result" in json ? json.result : null;
  } catch {
    return null;
  }
}
