import { withDeadline } from "../engine/deadline.ts";
import type { RpcTransport } from "./rpc-transport.ts";
import type { RpcAddress } from "./rpc-url.ts";

/** All logs of a batch of full blocks of a fast chain, and more; above it a server would only fill our memory. */
const MAX_REPLY_BYTES = 256 * 1024 * 1024;

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
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`HTTP status ${response.status}`);
    }
    return this.#readJson(response);
  }

  async #readJson({ body }: Response): Promise<unknown> {
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) {
      size += part.length;
      if (size > this.#maxBytes) {
        throw new RangeError(`the reply is longer than ${this.#maxBytes} bytes`);
      }
      parts.push(part);
    }
    return JSON.parse(Buffer.concat(parts).toString("utf8"));
  }

  subscribe(): void {
    // Who has no socket is asked.
  }

  noticeHead(): void {
    // Nothing was promised that could be missing.
  }

  close(): void {
    // No connection outlives its exchange.
  }
}
