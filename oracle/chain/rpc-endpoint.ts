import { z } from "zod";
import { ChainError } from "../../protocol/errors.ts";
import type { Logger } from "../log.ts";
import { HttpTransport } from "./http-transport.ts";
import type { RpcTransport } from "./rpc-transport.ts";
import { parseRpcUrl } from "./rpc-url.ts";
import { WebSocketTransport } from "./web-socket-transport.ts";

export interface RpcCall {
  readonly method: string;
  readonly params: readonly unknown[];
}

export interface RpcFailure {
  readonly code: number;
  readonly message: string;
  readonly data: unknown;
}

/** What the node replied to one call of a batch. A failure is the node's word; no reply at all is a `ChainError`. */
export type RpcReply =
  { readonly ok: true; readonly result: unknown } | { readonly ok: false; readonly failure: RpcFailure };

const Reply = z.object({
  id: z.number().nullable(),
  result: z.unknown().optional(),
  error: z.object({ code: z.number(), message: z.string(), data: z.unknown().optional() }).optional(),
});
const Replies = z.union([z.array(Reply), Reply.transform((reply) => [reply])]);

/** Public endpoints refuse larger batches; nothing is gained above it. */
const MAX_BATCH = 50;
/** JSON-RPC codes by which providers say "too many requests"; another endpoint may serve. */
const RATE_LIMITED: ReadonlySet<number> = new Set([-32005, 429]);

export interface RpcEndpointOptions {
  /** http, https, ws or wss. */
  readonly url: string;
  readonly timeoutMs: number;
  /** Milliseconds that a subscription may owe a block. */
  readonly silentAfterMs?: number;
  readonly log: Logger;
  /** Milliseconds. */
  readonly now: () => number;
}

const SILENT_AFTER_MS = 5_000;

/** One JSON-RPC server. */
export class RpcEndpoint {
  /** Host and port only: paths of providers hold keys. */
  readonly name: string;
  readonly #transport: RpcTransport;
  #nextId = 1;

  constructor({ url, timeoutMs, silentAfterMs = SILENT_AFTER_MS, log, now }: RpcEndpointOptions) {
    const { host, protocol } = new URL(url);
    this.name = host;
    const address = parseRpcUrl(url);
    this.#transport = protocol.startsWith("ws")
      ? new WebSocketTransport({ address, name: host, timeoutMs, silentAfterMs, log, now })
      : new HttpTransport(address, timeoutMs);
  }

  /** As `RpcTransport`. */
  subscribe(onHead: () => void): void {
    this.#transport.subscribe(onHead);
  }

  /** As `RpcTransport`. */
  noticeHead(number: number): void {
    this.#transport.noticeHead(number);
  }

  close(): void {
    this.#transport.close();
  }

  /**
   * Replies in the order of `calls`.
   *
   * @throws {ChainError} CHAIN_RPC_UNAVAILABLE when the server cannot be reached, is limited, or talks no JSON-RPC
   */
  async send(calls: readonly RpcCall[]): Promise<RpcReply[]> {
    const replies: RpcReply[] = [];
    for (let at = 0; at < calls.length; at += MAX_BATCH) {
      replies.push(...(await this.#post(calls.slice(at, at + MAX_BATCH))));
    }
    return replies;
  }

  async #post(calls: readonly RpcCall[]): Promise<RpcReply[]> {
    const first = this.#nextId;
    this.#nextId += calls.length;
    const bodies = calls.map(({ method, params }, index) => ({
      jsonrpc: "2.0",
      id: first + index,
      method,
      params,
    }));
    const replies = Replies.safeParse(
      await this.#exchange(
        JSON.stringify(bodies.length === 1 ? bodies[0] : bodies),
        bodies.map(({ id }) => id),
      ),
    );
    if (!replies.success) {
      throw this.#unavailable("the server's reply is not JSON-RPC", replies.error);
    }
    const byId = new Map(replies.data.map((reply) => [reply.id, reply]));
    return calls.map((call, index) => this.#toReply(call, byId.get(first + index)));
  }

  #toReply(call: RpcCall, reply: z.output<typeof Reply> | undefined): RpcReply {
    if (reply === undefined) {
      throw this.#unavailable(`the server left out the reply to ${call.method}`);
    }
    const { error } = reply;
    if (error === undefined) {
      return { ok: true, result: reply.result };
    }
    if (RATE_LIMITED.has(error.code)) {
      throw this.#unavailable(`rate limited: ${error.message}`);
    }
    return { ok: false, failure: { code: error.code, message: error.message, data: error.data } };
  }

  async #exchange(body: string, ids: readonly number[]): Promise<unknown> {
    try {
      return await this.#transport.exchange(body, ids);
    } catch (cause) {
      throw this.#unavailable("no reply", cause);
    }
  }

  #unavailable(message: string, cause?: unknown): ChainError {
    return new ChainError({
      code: "CHAIN_RPC_UNAVAILABLE",
      message: `RPC endpoint ${this.name}: ${message}`,
      details: { endpoint: this.name },
      cause,
    });
  }
}
