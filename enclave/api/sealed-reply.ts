/** Seals a reply while a route writes it: status and headers in the first chunk, and the last one says that it is the last. */

import { createCipheriv, randomBytes } from "node:crypto";
import type { Response } from "express";
import {
  chunkAad,
  chunkNonce,
  encodeReplyHead,
  frameChunk,
  MAX_CHUNK_BYTES,
  REPLY_NONCE_BYTES,
  replyKeys,
  SEALED_MEDIA_TYPE,
  type ReplyKeys,
  type ReplySecret,
} from "../../protocol/sealed-call.ts";

/** Headers about the connection and not about the reply. */
const OUTER_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "transfer-encoding",
  "content-length",
  "date",
]);

/**
 * From now on whatever is written to `response` leaves it sealed. The outer reply is 200 whatever the inner one is: nobody on
 * the way learns how a call ended.
 */
export function sealReply(response: Response, secret: ReplySecret): void {
  const replyNonce = randomBytes(REPLY_NONCE_BYTES);
  const chunks = new ChunkSealer(replyKeys(secret, replyNonce));
  const write = response.write.bind(response) as (bytes: Uint8Array) => boolean;
  const end = response.end.bind(response) as (bytes: Uint8Array) => Response;
  let begun = false;
  const begin = (): void => {
    if (begun) return;
    begun = true;
    const head = takeHead(response);
    response.statusCode = 200;
    response.setHeader("content-type", SEALED_MEDIA_TYPE);
    response.setHeader("cache-control", "no-store");
    write(replyNonce);
    write(chunks.seal(encodeReplyHead(head), false));
  };
  const push = (content: unknown, encoding: unknown): boolean => {
    begin();
    let flowing = true;
    for (const part of partsOf(toBytes(content, encoding))) flowing = write(chunks.seal(part, false));
    return flowing;
  };
  response.write = ((content: unknown, encoding: unknown) => push(content, encoding)) as Response["write"];
  response.end = ((content: unknown, encoding: unknown) => {
    begin();
    if (content !== undefined && content !== null && typeof content !== "function") push(content, encoding);
    return end(chunks.seal(new Uint8Array(0), true));
  }) as Response["end"];
}

function takeHead(response: Response): { status: number; headers: Record<string, string> } {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.getHeaders())) {
    if (value !== undefined && !OUTER_HEADERS.has(name)) headers[name] = String(value);
    response.removeHeader(name);
  }
  return { status: response.statusCode, headers };
}

function toBytes(content: unknown, encoding: unknown): Uint8Array {
  if (content instanceof Uint8Array) return content;
  const text = typeof content === "string" ? content : "";
  return Buffer.from(text, typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8");
}

function* partsOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += MAX_CHUNK_BYTES) yield bytes.subarray(at, at + MAX_CHUNK_BYTES);
}

class ChunkSealer {
  readonly #keys: ReplyKeys;
  #number = 0;

  constructor(keys: ReplyKeys) {
    this.#keys = keys;
  }

  seal(plain: Uint8Array, isLast: boolean): Uint8Array<ArrayBuffer> {
    const cipher = createCipheriv("aes-256-gcm", this.#keys.key, chunkNonce(this.#keys, this.#number));
    this.#number += 1;
    cipher.setAAD(chunkAad(isLast));
    return frameChunk(Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]), isLast);
  }
}
