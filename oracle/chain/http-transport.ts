import type { RpcTransport } from "./rpc-transport.ts";

/** JSON-RPC over HTTP: one POST for each exchange. */
export class HttpTransport implements RpcTransport {
  readonly #url: string;
  readonly #timeoutMs: number;

  constructor(url: string, timeoutMs: number) {
    this.#url = url;
    this.#timeoutMs = timeoutMs;
  }

  async exchange(body: string): Promise<unknown> {
    const response = await fetch(this.#url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      redirect: "error",
      signal: AbortSignal.timeout(this.#timeoutMs),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`HTTP status ${response.status}`);
    }
    return response.json();
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
