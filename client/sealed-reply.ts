/** Reads a sealed reply as it comes. A chunk that was changed, moved or left out is an error, and so is an end without the last one. */

import { concatBytes } from "../protocol/bytes.ts";
import { EvidenceError, UpstreamError } from "../protocol/errors.ts";
import {
  chunkAad,
  chunkNonce,
  decodeReplyHead,
  readFrame,
  REPLY_NONCE_BYTES,
  replyKeys,
  type ChunkFrame,
  type ReplyKeys,
  type ReplySecret,
  type SealedReplyHead,
} from "../protocol/sealed-call.ts";

/** @throws {EvidenceError} EVIDENCE_BINDING_MISMATCH; {UpstreamError} ENCLAVE_REPLY_TRUNCATED; the same as errors of the body */
export async function openSealedReply(
  sealed: ReadableStream<Uint8Array>,
  secret: ReplySecret,
  url: string,
): Promise<Response> {
  const reader = new SealedReader(sealed.getReader(), secret);
  const head = await reader.head();
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: async (controller) => {
      try {
        const chunk = await reader.next();
        if (chunk === null) controller.close();
        else controller.enqueue(chunk);
      } catch (error) {
        await reader.cancel();
        controller.error(error);
      }
    },
    cancel: () => reader.cancel(),
  });
  return toResponse(head, body, url);
}

/** Statuses whose `Response` must have no body. */
const BODYLESS: ReadonlySet<number> = new Set([204, 205, 304]);

function toResponse({ status, headers }: SealedReplyHead, body: ReadableStream, url: string): Response {
  const response = new Response(BODYLESS.has(status) ? null : body, { status, headers });
  Object.defineProperty(response, "url", { value: url });
  return response;
}

type ReplyCipher = Awaited<ReturnType<typeof importReplyKey>>;

function importReplyKey({ key }: ReplyKeys) {
  return crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
}

class SealedReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #secret: ReplySecret;
  #held: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #keys: ReplyKeys | null = null;
  #cipher: ReplyCipher | null = null;
  #number = 0;
  #ended = false;

  constructor(reader: ReadableStreamDefaultReader<Uint8Array>, secret: ReplySecret) {
    this.#reader = reader;
    this.#secret = secret;
  }

  async head(): Promise<SealedReplyHead> {
    while (this.#held.length < REPLY_NONCE_BYTES) await this.#more();
    this.#keys = replyKeys(this.#secret, this.#held.subarray(0, REPLY_NONCE_BYTES));
    this.#held = this.#held.slice(REPLY_NONCE_BYTES);
    this.#cipher = await importReplyKey(this.#keys);
    const chunk = await this.next();
    if (chunk === null) throw truncated();
    return decodeReplyHead(chunk);
  }

  /** The next chunk that is not empty; null after the last. */
  async next(): Promise<Uint8Array<ArrayBuffer> | null> {
    while (!this.#ended) {
      const frame = await this.#frame();
      const plain = await this.#open(frame);
      this.#ended = frame.isLast;
      if (frame.isLast) await this.#reader.cancel();
      if (plain.length > 0) return plain;
    }
    return null;
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel().catch(() => undefined);
  }

  async #frame(): Promise<ChunkFrame> {
    for (;;) {
      const frame = this.#readFrame();
      if (frame !== undefined) {
        this.#held = this.#held.slice(frame.size);
        return frame;
      }
      await this.#more();
    }
  }

  #readFrame(): ChunkFrame | undefined {
    try {
      return readFrame(this.#held);
    } catch (cause) {
      throw foreign(cause);
    }
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#reader.read().catch((cause: unknown) => {
      throw truncated(cause);
    });
    if (done) throw truncated();
    this.#held = concatBytes(this.#held, value);
  }

  async #open({ cipherText, isLast }: ChunkFrame): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#keys === null || this.#cipher === null) throw new TypeError("the reply has not begun");
    const iv = chunkNonce(this.#keys, this.#number);
    this.#number += 1;
    try {
      const terms = { name: "AES-GCM", iv, additionalData: chunkAad(isLast) };
      return new Uint8Array(await crypto.subtle.decrypt(terms, this.#cipher, cipherText));
    } catch (cause) {
      throw foreign(cause);
    }
  }
}

function truncated(cause?: unknown): UpstreamError {
  return new UpstreamError({
    code: "ENCLAVE_REPLY_TRUNCATED",
    message: "the reply ended before the enclave's last chunk: whoever carries it may have cut it",
    cause,
  });
}

function foreign(cause: unknown): EvidenceError {
  return new EvidenceError({
    code: "EVIDENCE_BINDING_MISMATCH",
    message: "the reply was changed on its way, or was not sealed by the enclave that was asked",
    cause,
  });
}
