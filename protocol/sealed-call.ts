/**
 * An HTTP call that only one enclave reads, and its reply: for clients that cannot judge a TLS certificate, as browsers. Method,
 * path, credential and body are inside; the reply comes in chunks, of which the last says that it is the last.
 * docs/reference/protocol.md, Sealed calls.
 */

import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import * as z from "zod";
import { concatBytes, equalBytes, fromHex, fromUtf8, toHex, toUtf8, type Hex } from "./bytes.ts";
import { parseJson } from "./canonical-json.ts";
import { InputError } from "./errors.ts";
import { ENCAPSULATED_KEY_BYTES, hpkeOpenCall, hpkeSealCall } from "./hpke.ts";
import type { SealingTarget } from "./sealed-secret.ts";

export const SEALED_CALL_PATH = "/v1/sealed";
export const SEALED_MEDIA_TYPE = "application/vnd.adyton.sealed";

const VERSION = 1;
const KEYSET_BYTES = 32;
const OVERHEAD = 1 + KEYSET_BYTES + ENCAPSULATED_KEY_BYTES;
const LENGTH_BYTES = 4;
/** Bytes of a head: 16 KiB of headers is what servers take. */
const MAX_HEAD_BYTES = 20 * 1024;
const MAX_HEADERS = 64;
/** Seconds that a call's time and the enclave's may differ; for twice as long it is remembered that a call was answered. */
export const MAX_SEALED_CALL_AGE = 300;

const headers = z
  .record(z.string().regex(/^[a-z0-9!#$%&'*+.^_`|~-]{1,64}$/), z.string().max(MAX_HEAD_BYTES))
  .refine((record) => Object.keys(record).length <= MAX_HEADERS, {
    error: `more than ${MAX_HEADERS} headers`,
  });

export const SealedCallHead = z.strictObject({
  method: z.enum(["GET", "POST", "PUT"]),
  /** With its query; no call is sealed inside another. */
  path: z
    .string()
    .max(2_048)
    .regex(/^\/v1\/(?!sealed)[\x21-\x7e]*$/, { error: "expected a path of the enclave's" }),
  headers,
  /** Seconds since the epoch, by the client's clock. */
  sentAt: z.int().min(0),
});
export type SealedCallHead = z.output<typeof SealedCallHead>;

export const SealedReplyHead = z.strictObject({ status: z.int().min(200).max(599), headers });
export type SealedReplyHead = z.output<typeof SealedReplyHead>;

const CALL_INFO = toUtf8("adyton sealed call v1");
const REPLY_LABEL = toUtf8("adyton sealed call reply v1");

export interface SealedCall {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly reply: ReplySecret;
}

/** What both ends of one call share. */
export interface ReplySecret {
  readonly encapsulatedKey: Uint8Array;
  readonly secret: Uint8Array;
}

/** version ‖ keysetId ‖ encapsulated key ‖ HPKE(length of head ‖ head ‖ body), the first two as associated data. */
export async function sealCall(
  { keysetId, sealingKey }: SealingTarget,
  head: SealedCallHead,
  body: Uint8Array,
): Promise<SealedCall> {
  const aad = concatBytes(Uint8Array.of(VERSION), fromHex(keysetId, KEYSET_BYTES));
  const plain = withHead(toUtf8(JSON.stringify(SealedCallHead.parse(head))), body);
  const { sealed, exported } = await hpkeSealCall(sealingKey, plain, {
    info: CALL_INFO,
    aad,
    exportLabel: REPLY_LABEL,
  });
  return {
    bytes: concatBytes(aad, sealed),
    reply: { encapsulatedKey: sealed.subarray(0, ENCAPSULATED_KEY_BYTES), secret: exported },
  };
}

export interface OpenedCall {
  readonly head: SealedCallHead;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly reply: ReplySecret;
}

/**
 * Leaves to the caller: that the same bytes are answered once, and that `sentAt` is now.
 *
 * @throws {InputError} INPUT_NOT_RECIPIENT for another keyset's; INPUT_INVALID for what does not open, or has not the form
 */
export async function openCall(
  { keysetId, privateKey }: { readonly keysetId: Hex; readonly privateKey: Uint8Array },
  bytes: Uint8Array,
): Promise<OpenedCall> {
  if (bytes.length < OVERHEAD || bytes[0] !== VERSION) throw invalid("this is no sealed call");
  const aad = bytes.slice(0, 1 + KEYSET_BYTES);
  if (!equalBytes(aad.subarray(1), fromHex(keysetId, KEYSET_BYTES))) {
    throw new InputError({
      code: "INPUT_NOT_RECIPIENT",
      message: "the call is sealed to another keyset: ask for evidence again",
    });
  }
  const sealed = bytes.subarray(aad.length);
  try {
    const { plain, exported } = await hpkeOpenCall(privateKey, sealed, {
      info: CALL_INFO,
      aad,
      exportLabel: REPLY_LABEL,
    });
    const { head, body } = splitHead(plain);
    return {
      head: SealedCallHead.parse(head),
      body,
      reply: { encapsulatedKey: sealed.slice(0, ENCAPSULATED_KEY_BYTES), secret: exported },
    };
  } catch (cause) {
    throw invalid("the sealed call does not open, or has not its form", cause);
  }
}

export function callIdOf({ encapsulatedKey }: ReplySecret): Hex {
  return toHex(encapsulatedKey);
}

export interface ReplyKeys {
  /** AES-256-GCM. */
  readonly key: Uint8Array<ArrayBuffer>;
  readonly nonce: Uint8Array<ArrayBuffer>;
}

export const REPLY_NONCE_BYTES = 32;

/** RFC 9458 §4.4, with AES-256-GCM: a key of its own for each reply. */
export function replyKeys({ encapsulatedKey, secret }: ReplySecret, replyNonce: Uint8Array): ReplyKeys {
  const pseudoRandomKey = extract(sha256, secret, concatBytes(encapsulatedKey, replyNonce));
  return {
    key: new Uint8Array(expand(sha256, pseudoRandomKey, toUtf8("key"), 32)),
    nonce: new Uint8Array(expand(sha256, pseudoRandomKey, toUtf8("nonce"), 12)),
  };
}

/** Bytes of a chunk's plain text. */
export const MAX_CHUNK_BYTES = 65_536;
const TAG_BYTES = 16;
const MAX_CHUNKS = 2 ** 32;

/** Of the chunk with this number, from 0: the nonce with the number added by XOR, so that none is dropped, moved or repeated. */
export function chunkNonce({ nonce }: ReplyKeys, number: number): Uint8Array<ArrayBuffer> {
  if (number >= MAX_CHUNKS) throw new RangeError("a reply has fewer chunks than that");
  const own = new Uint8Array(nonce);
  const view = new DataView(own.buffer);
  view.setUint32(8, (view.getUint32(8) ^ number) >>> 0);
  return own;
}

/** The associated data of a chunk: only the last one's says so. */
export function chunkAad(isLast: boolean): Uint8Array<ArrayBuffer> {
  return isLast ? toUtf8("last") : new Uint8Array(0);
}

/** length ‖ cipher text; the highest bit of the length is set in the last one, and bound by its associated data. */
export function frameChunk(cipherText: Uint8Array, isLast: boolean): Uint8Array<ArrayBuffer> {
  const length = new Uint8Array(LENGTH_BYTES);
  new DataView(length.buffer).setUint32(0, (cipherText.length | (isLast ? LAST_BIT : 0)) >>> 0);
  return concatBytes(length, cipherText);
}

const LAST_BIT = 0x8000_0000;

export interface ChunkFrame {
  readonly cipherText: Uint8Array<ArrayBuffer>;
  readonly isLast: boolean;
  /** Bytes of the frame. */
  readonly size: number;
}

/** The frame that `bytes` begin with; undefined while it is not whole. @throws {RangeError} for one that is too long */
export function readFrame(bytes: Uint8Array): ChunkFrame | undefined {
  if (bytes.length < LENGTH_BYTES) return undefined;
  const word = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  const isLast = (word & LAST_BIT) !== 0;
  const length = word & ~LAST_BIT;
  if (length > MAX_CHUNK_BYTES + TAG_BYTES || length < TAG_BYTES)
    throw new RangeError("no chunk has this length");
  const size = LENGTH_BYTES + length;
  if (bytes.length < size) return undefined;
  return { cipherText: bytes.slice(LENGTH_BYTES, size), isLast, size };
}

export function encodeReplyHead(head: SealedReplyHead): Uint8Array<ArrayBuffer> {
  return toUtf8(JSON.stringify(head));
}

/** @throws for what is no head */
export function decodeReplyHead(bytes: Uint8Array): SealedReplyHead {
  return SealedReplyHead.parse(parseJson(bytes));
}

function withHead(head: Uint8Array, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = new Uint8Array(LENGTH_BYTES);
  new DataView(length.buffer).setUint32(0, head.length);
  return concatBytes(length, head, body);
}

function splitHead(plain: Uint8Array<ArrayBuffer>): {
  readonly head: unknown;
  readonly body: Uint8Array<ArrayBuffer>;
} {
  const length =
    plain.length < LENGTH_BYTES ? Infinity : new DataView(plain.buffer, plain.byteOffset).getUint32(0);
  if (length > MAX_HEAD_BYTES || LENGTH_BYTES + length > plain.length)
    throw new RangeError("the head is not whole");
  const end = LENGTH_BYTES + length;
  return { head: JSON.parse(fromUtf8(plain.subarray(LENGTH_BYTES, end))), body: plain.slice(end) };
}

function invalid(message: string, cause?: unknown): InputError {
  return new InputError({ code: "INPUT_INVALID", message, cause });
}
