import * as z from "zod";
import { withDeadline } from "../../engine/deadline.ts";
import type { RpcTransport } from "./rpc-transport.ts";
import type { RpcAddress } from "./rpc-url.ts";

/** All logs of a batch of full blocks of a fast chain, and more; above it a server would only fill our memory. */
const MAX_REPLY_BYTES = 256 * 1024 * 1024;

const OneError = z.looseObject({ error: z.looseObject({ code: z.number(), message: z.string() }) });
const JsonRpcError = z.union([z.array(z.looseObject({})).min(1), OneError]);

/** Of a reply that is an error: what a server says in it is short. */
const MAX_ERROR_BYTES = 64 * 1024;
/** By these the server, or what stands before it, says that it does not serve now, whatever the body holds. */
const NOT_SERVED: ReadonlySet<number> = new Set([401, 402, 403, 407, 408, 429, 502, 503, 504]);
/** By these it says that the call is too large, or of a form that it does not take, such as a batch. */
const OF_SIZE: ReadonlySet<number> = new Set([400, 405, 413, 414, 422]);

/** A reply that is no success, and holds no JSON-RPC. */
export class HttpRefusal extends Error {
  readonly isOfSize: boolean;
  /** Milliseconds for which the server asked to be left alone; `undefined` where it did not. */
  readonly retryAfterMs: number | undefined;

  constructor({ status, headers }: Pick<Response, "status" | "headers">) {
    super(`HTTP status ${status}`);
    this.isOfSize = OF_SIZE.has(status);
    this.retryAfterMs = readRetryAfter(headers);
  }
}

/** RFC 9110, 10.2.3: seconds, or a date, which is compared with the server's own. */
function readRetryAfter(headers: Headers): number | undefined {
  const text = headers.get("retry-after")?.trim() ?? "";
  if (/^\d{1,9}(?:\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1_000);
  const ms = Date.parse(text) - Date.parse(headers.get("date") ?? "");
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** JSON-RPC over HTTP: one POST for each exchange. */
export class HttpTransport implements RpcTransport {
  readonly #address: RpcAddress;
  readonly #timeoutMs: number;
  readonly #maxBytes: number;

  constructor(address: RpcAddress, timeoutMs: number, maxBytes: number = MAX_REPLY_BYTES) {
    this.#address = address;
    this.#timeoutMs = timeoutMs;
    this.#maxBytes = maxBytes;
  }

  exchange(body: string): Promise<unknown> {
    return withDeadline(this.#timeoutMs, (signal) => this.#post(body, signal));
  }

  async #post(body: string, signal: AbortSignal): Promise<unknown> {
    const { url, headers } = this.#address;
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
      redirect: "error",
      signal,
    });
    return response.ok ? this.#readJson(response, this.#maxBytes) : this.#readError(response);
  }

  /** Some servers (Besu, Nethermind behind proxies) answer a call that the EVM ended with status 400, or 500. */
  async #readError(response: Response): Promise<unknown> {
    const { status } = response;
    if (NOT_SERVED.has(status)) {
      await response.body?.cancel();
      throw new HttpRefusal(response);
    }
    try {
      return JsonRpcError.parse(await this.#readJson(response, MAX_ERROR_BYTES));
    } catch {
      throw new HttpRefusal(response);
    }
  }

  async #readJson({ body }: Response, maxBytes: number): Promise<unknown> {
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) {
      size += part.length;
      if (size > maxBytes) throw new RangeError(`the reply is longer than ${maxBytes} bytes`);
      parts.push(part);
    }
    return JSON.parse(Buffer.concat(parts).toString("utf8"));
  }

  subscribe(): void {
    // Servers without a socket are polled.
  }

  noticeHead(): void {
    // Nothing was promised that could be missing.
  }

  close(): void {
    // No connection outlives its exchange.
  }
}
