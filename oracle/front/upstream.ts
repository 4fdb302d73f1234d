/** The front's connection to one enclave whose evidence was verified; verified anew when its key is lost, as after a restart. */

import type { Response } from "express";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { pipeline } from "node:stream/promises";
import { PinnedAgent } from "../../client/pinned-agent.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { MAX_RECEIPT_BYTES } from "../../protocol/limits.ts";
import { withDeadline } from "../engine/deadline.ts";

const MAX_SOCKETS = 64;

/** An enclave whose evidence was verified. */
export interface VerifiedEnclave {
  readonly url: string;
  readonly tlsKeyHash: Hex;
}

export interface UpstreamCall {
  /** With its query. */
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

export interface UpstreamReply {
  readonly status: number;
  readonly type: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Connection extends VerifiedEnclave {
  readonly agent: PinnedAgent;
}

export class Upstream {
  readonly #connect: () => Promise<VerifiedEnclave>;
  #connection: Promise<Connection> | null = null;

  constructor(connect: () => Promise<VerifiedEnclave>) {
    this.#connect = connect;
  }

  /** A reply, once all of it is here. */
  async ask(call: UpstreamCall, timeoutMs: number): Promise<UpstreamReply> {
    return await this.#use((connection) =>
      withDeadline(timeoutMs, async (signal) => {
        const reply = await exchange(connection, call, signal);
        return { ...headOf(reply), headers: reply.headers, body: await readBody(reply) };
      }),
    );
  }

  /** Passes on a reply once all of it is here: one that breaks off is a 502 and not half an answer. */
  async forward(call: UpstreamCall, response: Response, timeoutMs: number): Promise<void> {
    const { status, type, body } = await this.ask(call, timeoutMs);
    response.status(status).type(type).send(body);
  }

  /** Passes on a reply as it comes. A reply that breaks off in the middle breaks off here too. */
  async stream(call: UpstreamCall, response: Response): Promise<void> {
    const gone = new AbortController();
    response.once("close", () => {
      gone.abort();
    });
    const reply = await this.#use((connection) => exchange(connection, call, gone.signal));
    const { status, type } = headOf(reply);
    response.status(status).set({ "content-type": type, "cache-control": "no-store" });
    await pipeline(reply, response).catch(() => response.destroy());
  }

  async #use<T>(task: (connection: Connection) => Promise<T>): Promise<T> {
    this.#connection ??= this.#open();
    const used = this.#connection;
    try {
      return await task(await used);
    } catch (error) {
      // The next call verifies anew: the enclave may have other keys by now.
      if (this.#connection === used) this.#connection = null;
      throw error;
    }
  }

  async #open(): Promise<Connection> {
    const enclave = await this.#connect();
    return { ...enclave, agent: new PinnedAgent(enclave.tlsKeyHash, MAX_SOCKETS) };
  }
}

function headOf(reply: IncomingMessage): { readonly status: number; readonly type: string } {
  return { status: reply.statusCode ?? 502, type: reply.headers["content-type"] ?? "application/json" };
}

async function exchange(
  { url, agent }: Connection,
  { path, method, headers, body }: UpstreamCall,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return await new Promise<IncomingMessage>((resolve, reject) => {
    const length = body === null ? {} : { "content-length": body.length };
    const options = { agent, method, signal, headers: { ...headers, ...length } };
    const call = httpsRequest(new URL(path, url), options, resolve);
    call.once("error", reject);
    call.end(body ?? undefined);
  });
}

async function readBody(reply: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of reply as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_RECEIPT_BYTES) throw new RangeError("the enclave's reply is longer than any answer");
    parts.push(part);
  }
  return Buffer.concat(parts);
}
