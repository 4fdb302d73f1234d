import * as z from "zod";
import type { Logger } from "../../log.ts";
import { quantity } from "./block.ts";
import type { RpcTransport } from "./rpc-transport.ts";
import type { RpcAddress } from "./rpc-url.ts";

export interface WebSocketTransportOptions {
  readonly address: RpcAddress;
  /** Host and port, for the log. */
  readonly name: string;
  /** Milliseconds for a reply, and for a connection. */
  readonly timeoutMs: number;
  /** Milliseconds that a block may be known by asking before the subscription announces it. */
  readonly silentAfterMs: number;
  readonly log: Logger;
  /** Milliseconds. */
  readonly now: () => number;
}

interface Waiting {
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: Error) => void;
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
/** JSON-RPC ids of calls are numbers: this one is nobody else's. */
const SUBSCRIPTION_ID = "newHeads";

const Announcement = z.object({
  method: z.literal("eth_subscription"),
  params: z.object({ result: z.object({ number: quantity }) }),
});
const Identified = z.object({ id: z.union([z.number(), z.string(), z.null()]) });

/**
 * JSON-RPC over one WebSocket, with a subscription to new blocks. The subscription is a wake-up and never a source: what it
 * announces is asked for, so a lying or silent one delays and does not mislead. A socket that gives no reply in time, or a
 * subscription that misses blocks, is replaced; reconnects wait longer each time. Node's WebSocket itself gives up a message
 * of more than 128 MiB, inflated or in parts; a test holds the runtime to it.
 */
export class WebSocketTransport implements RpcTransport {
  readonly #options: WebSocketTransportOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners: (() => void)[] = [];
  #socket: WebSocket | undefined;
  #opening: Promise<WebSocket> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  /** The newest block that the subscription announced, or that was there when it began. */
  #announced: number | undefined;
  /** Milliseconds: since when the subscription owes a block. */
  #owingSince: number | undefined;
  #closed = false;

  constructor(options: WebSocketTransportOptions) {
    this.#options = options;
  }

  async exchange(body: string, ids: readonly number[]): Promise<unknown> {
    const socket = await this.#open();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        // A socket whose other end is gone looks open for hours.
        this.#replace(socket, "no reply in time");
      }, this.#options.timeoutMs);
      const settle = <Value>(act: (value: Value) => void): ((value: Value) => void) => {
        return (value) => {
          clearTimeout(timer);
          for (const id of ids) this.#waiting.delete(id);
          act(value);
        };
      };
      const waiting = { resolve: settle(resolve), reject: settle(reject) };
      for (const id of ids) this.#waiting.set(id, waiting);
      socket.send(body);
    });
  }

  subscribe(onHead: () => void): void {
    this.#listeners.push(onHead);
    if (this.#listeners.length === 1 && this.#socket !== undefined) {
      // It was opened for a call, before anybody wanted to hear of blocks.
      this.#sendSubscription(this.#socket);
    } else {
      this.#reconnect();
    }
  }

  noticeHead(number: number): void {
    const { now, silentAfterMs } = this.#options;
    if (this.#listeners.length === 0 || this.#socket === undefined) return;
    this.#announced ??= number;
    if (number <= this.#announced) {
      this.#owingSince = undefined;
      return;
    }
    this.#owingSince ??= now();
    if (now() - this.#owingSince > silentAfterMs) {
      this.#options.log.warn("rpc.subscription-silent", {
        endpoint: this.#options.name,
        announced: this.#announced,
        head: number,
      });
      this.#replace(this.#socket, "silent subscription");
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    if (this.#socket !== undefined) this.#replace(this.#socket, "closed");
  }

  #open(): Promise<WebSocket> {
    if (this.#closed) return Promise.reject(new Error("the transport is closed"));
    this.#opening ??= this.#connect();
    return this.#opening;
  }

  #connect(): Promise<WebSocket> {
    const { address, timeoutMs } = this.#options;
    const socket = new WebSocket(address.url, { headers: address.headers });
    return new Promise((resolve, reject) => {
      let pending = true;
      const fail = (why: string): void => {
        if (pending) {
          pending = false;
          clearTimeout(timer);
          this.#opening = undefined;
          this.#failures += 1;
          this.#reconnect();
          reject(new Error(why));
          socket.close();
        }
        this.#replace(socket, why);
      };
      const timer = setTimeout(() => {
        fail("no connection in time");
      }, timeoutMs);
      socket.addEventListener("open", () => {
        if (this.#closed) {
          fail("closed");
        } else if (pending) {
          pending = false;
          clearTimeout(timer);
          this.#begin(socket);
          resolve(socket);
        }
      });
      socket.addEventListener("error", () => {
        fail("the WebSocket failed");
      });
      socket.addEventListener("close", () => {
        fail("the WebSocket was closed");
      });
    });
  }

  #begin(socket: WebSocket): void {
    this.#socket = socket;
    this.#owingSince = undefined;
    socket.addEventListener("message", ({ data }: { readonly data: unknown }) => {
      if (this.#socket === socket) this.#receive(String(data));
    });
    if (this.#listeners.length > 0) this.#sendSubscription(socket);
  }

  #sendSubscription(socket: WebSocket): void {
    const call = { jsonrpc: "2.0", id: SUBSCRIPTION_ID, method: "eth_subscribe", params: ["newHeads"] };
    socket.send(JSON.stringify(call));
  }

  #receive(text: string): void {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      // Not JSON-RPC: whoever waits for a reply gets none, and the socket is replaced.
      return;
    }
    this.#failures = 0;
    const announcement = Announcement.safeParse(message);
    if (announcement.success) {
      this.#announced = Math.max(this.#announced ?? -1, announcement.data.params.result.number);
      for (const onHead of this.#listeners) onHead();
      return;
    }
    for (const part of Array.isArray(message) ? (message as unknown[]) : [message]) {
      const { data } = Identified.safeParse(part);
      if (typeof data?.id === "number") this.#waiting.get(data.id)?.resolve(message);
    }
  }

  /** Gives the socket up: whoever waits fails now, and another one is opened if blocks are to be announced. */
  #replace(socket: WebSocket, why: string): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.#opening = undefined;
    this.#announced = undefined;
    this.#failures += 1;
    for (const { reject } of new Set(this.#waiting.values())) reject(new Error(why));
    socket.close();
    this.#reconnect();
  }

  #reconnect(): void {
    if (this.#closed || this.#listeners.length === 0 || this.#opening !== undefined) return;
    clearTimeout(this.#retry);
    const delay =
      this.#failures === 0
        ? 0
        : Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#failures - 1, 10));
    this.#retry = setTimeout(() => {
      this.#open().catch(() => undefined);
    }, delay);
  }
}
