import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import { ChainError } from "../../../protocol/errors.ts";
import type { Logger } from "../../log.ts";
import { meaningOf } from "./client-errors.ts";
import { HttpRefusal, HttpTransport } from "./http-transport.ts";
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

/** The node's reply to one call of a batch. A failure is the node's word; no reply at all is a `ChainError`. */
export type RpcReply =
  { readonly ok: true; readonly result: unknown } | { readonly ok: false; readonly failure: RpcFailure };

/** Of the call, as some servers echo it; nothing where a server copied none. */
const Id = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^\d{1,15}$/)
      .transform(Number),
    z.null(),
  ])
  .optional()
  .transform((id) => id ?? null);
/** JSON-RPC: internal error. Said of errors that come without a code. */
const NO_CODE = -32_603;
const Code = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^-?\d{1,9}$/)
      .transform(Number),
  ])
  .catch(NO_CODE);
/** As JSON-RPC 2.0 has it, or as servers have it that say less; null, as JSON-RPC 1.0 had it, is none. */
const Failure = z
  .union([
    z.string().transform((message) => ({ code: NO_CODE, message, data: undefined })),
    z
      .looseObject({ code: Code, message: z.string().catch(""), data: z.unknown().optional() })
      .transform(({ code, message, data }) => ({ code, message, data })),
    z.null(),
  ])
  .optional()
  .transform((error) => error ?? undefined);

const Reply = z
  .looseObject({ id: Id, result: z.unknown().optional(), error: Failure })
  // What is neither is no reply: of a gateway, or a server that speaks something else.
  .refine((reply) => "result" in reply || reply.error !== undefined)
  .transform(({ id, result, error }) => ({ id, result, error }));
const Replies = z.union([z.array(Reply), Reply.transform((reply) => [reply])]);

/** Nothing is gained above it; a server that takes fewer is asked for fewer from then on. */
const MAX_BATCH = 50;
/** The name of the mempool's view, as the last parameter of a call. */
const PENDING = "pending";

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

/** Since the process started. */
export interface RpcTraffic {
  readonly exchanges: number;
  /** Of them, those without a reply. */
  readonly failures: number;
  /** Milliseconds that all took together. */
  readonly ms: number;
}

const SILENT_AFTER_MS = 5_000;

/** One JSON-RPC server. */
export class RpcEndpoint {
  /** Host and port only: paths of providers hold keys. */
  readonly name: string;
  readonly #transport: RpcTransport;
  readonly #now: () => number;
  #traffic: RpcTraffic = { exchanges: 0, failures: 0, ms: 0 };
  #nextId = 1;
  /** Calls in one exchange. */
  #maxBatch = MAX_BATCH;
  /** Whether the server makes a block of what is in its mempool; some do not. */
  #hasPendingBlock = true;

  constructor({ url, timeoutMs, silentAfterMs = SILENT_AFTER_MS, log, now }: RpcEndpointOptions) {
    const { host, protocol } = new URL(url);
    this.name = host;
    this.#now = now;
    const address = parseRpcUrl(url);
    this.#transport = protocol.startsWith("ws")
      ? new WebSocketTransport({ address, name: host, timeoutMs, silentAfterMs, log, now })
      : new HttpTransport(address, timeoutMs);
  }

  get traffic(): RpcTraffic {
    return this.#traffic;
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
    while (replies.length < calls.length) {
      const part = calls.slice(replies.length, replies.length + this.#maxBatch);
      const received = await this.#sendBatch(part.map((call) => this.#asServed(call)));
      // A batch that was refused is sent again in parts.
      if (received !== undefined) replies.push(...received);
    }
    const isUnknown = (reply: RpcReply | undefined): boolean =>
      reply?.ok === false && meaningOf(reply.failure) === "no-pending-block";
    if (
      this.#hasPendingBlock &&
      calls.some((call, index) => isOfPending(call) && isUnknown(replies[index]))
    ) {
      this.#hasPendingBlock = false;
      return this.send(calls);
    }
    return replies;
  }

  /** The newest block, where the server has no other view. */
  #asServed(call: RpcCall): RpcCall {
    return this.#hasPendingBlock || !isOfPending(call)
      ? call
      : { ...call, params: [...call.params.slice(0, -1), "latest"] };
  }

  /** `undefined` when the server takes no batch of this size: the next one is half as large. */
  async #sendBatch(calls: readonly RpcCall[]): Promise<RpcReply[] | undefined> {
    try {
      const replies = await this.#post(calls);
      const isRefused = calls.length > 1 && replies.some(isBatchRefusal);
      if (!isRefused) return replies;
    } catch (error) {
      if (calls.length === 1 || !(error instanceof BatchRefused)) throw error;
    }
    this.#maxBatch = Math.max(1, Math.floor(calls.length / 2));
    return undefined;
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
    if (!replies.success) throw this.#unavailable("the server's reply is not JSON-RPC", replies.error);
    const whole = calls.length > 1 ? replies.data.find(({ id }) => id === null)?.error : undefined;
    if (whole !== undefined && meaningOf(whole) !== "limited")
      throw new BatchRefused(this.name, whole.message);
    const byId = this.#byId(replies.data);
    // One refusal, whose id nobody copied, is of the one call.
    const [only] = replies.data;
    if (calls.length === 1 && only?.id === null) byId.set(first, only);
    return calls.map((call, index) => this.#toReply(call, byId.get(first + index)));
  }

  /** A server that replies twice to one call, and not the same, has said nothing. */
  #byId(replies: readonly z.output<typeof Reply>[]): Map<number | null, z.output<typeof Reply>> {
    const byId = new Map<number | null, z.output<typeof Reply>>();
    for (const reply of replies) {
      const before = byId.get(reply.id);
      if (before !== undefined && reply.id !== null && !isDeepStrictEqual(before, reply))
        throw this.#unavailable("the server gave two replies to one call");
      byId.set(reply.id, reply);
    }
    return byId;
  }

  #toReply(call: RpcCall, reply: z.output<typeof Reply> | undefined): RpcReply {
    if (reply === undefined) throw this.#unavailable(`the server left out the reply to ${call.method}`);
    const { error } = reply;
    if (error === undefined) return { ok: true, result: reply.result };
    if (meaningOf(error, call.method) === "limited")
      throw this.#unavailable(`rate limited: ${error.message}`);
    return { ok: false, failure: { code: error.code, message: error.message, data: error.data } };
  }

  async #exchange(body: string, ids: readonly number[]): Promise<unknown> {
    const began = this.#now();
    try {
      const reply = await this.#transport.exchange(body, ids);
      this.#count(began, 0);
      return reply;
    } catch (cause) {
      this.#count(began, 1);
      if (cause instanceof HttpRefusal && cause.isOfSize && ids.length > 1)
        throw new BatchRefused(this.name, cause.message);
      const waitMs = cause instanceof HttpRefusal ? cause.retryAfterMs : undefined;
      throw this.#unavailable("no reply", cause, waitMs);
    }
  }

  #count(began: number, failed: number): void {
    const { exchanges, failures, ms } = this.#traffic;
    this.#traffic = {
      exchanges: exchanges + 1,
      failures: failures + failed,
      ms: ms + Math.max(0, this.#now() - began),
    };
  }

  /** @param waitMs how long the server asked to be left alone */
  #unavailable(message: string, cause?: unknown, waitMs?: number): ChainError {
    return new ChainError({
      code: "CHAIN_RPC_UNAVAILABLE",
      message: `RPC endpoint ${this.name}: ${message}`,
      details: { endpoint: this.name, ...(waitMs === undefined ? {} : { waitMs }) },
      cause,
    });
  }
}

/** The server takes fewer calls at once. Of a single call it is an outage like any other. */
class BatchRefused extends ChainError {
  constructor(endpoint: string, reason: string) {
    super({
      code: "CHAIN_RPC_UNAVAILABLE",
      message: `RPC endpoint ${endpoint} refuses the batch: ${reason}`,
      details: { endpoint },
    });
  }
}

function isBatchRefusal(reply: RpcReply): boolean {
  return !reply.ok && meaningOf(reply.failure) === "batch-too-large";
}

function isOfPending({ params }: RpcCall): boolean {
  return params.at(-1) === PENDING;
}
