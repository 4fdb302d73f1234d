/** Bytes and their one text form: lower-case 0x hex. Everything else is refused, so that one value has one spelling. */

import { bytesToHex } from "@noble/hashes/utils.js";
import { InputError } from "./errors.ts";

export type Hex = `0x${string}`;

const LOWER_HEX = /^0x(?:[0-9a-f]{2})*$/;

export function isHex(value: unknown): value is Hex {
  return typeof value === "string" && LOWER_HEX.test(value);
}

export function toHex(bytes: Uint8Array): Hex {
  return `0x${bytesToHex(bytes)}`;
}

/** The value of each hexadecimal digit, by its character code; -1 for what is none, upper case among it. */
const DIGITS = Int8Array.from({ length: 128 }, (_, code) =>
  "0123456789abcdef".indexOf(String.fromCharCode(code)),
);

/** In one pass, since everything that is hashed or signed comes through here. */
function decodeHex(text: string): Uint8Array<ArrayBuffer> | null {
  if (!text.startsWith("0x") || text.length % 2 === 1) return null;
  const bytes = new Uint8Array(text.length / 2 - 1);
  for (let index = 0, at = 2; index < bytes.length; index += 1, at += 2) {
    const high = DIGITS[text.charCodeAt(at)] ?? -1;
    const low = DIGITS[text.charCodeAt(at + 1)] ?? -1;
    if (high < 0 || low < 0) return null;
    bytes[index] = high * 16 + low;
  }
  return bytes;
}

/**
 * Bytes of a lower-case 0x hex string.
 *
 * @throws {InputError} INPUT_INVALID for upper case, an odd number of digits, a missing prefix, or another `length`
 */
export function fromHex(text: string, length?: number): Uint8Array<ArrayBuffer> {
  const bytes = decodeHex(text);
  if (bytes === null)
    throw new InputError({ code: "INPUT_INVALID", message: "expected lower-case hex with a 0x prefix" });
  if (length !== undefined && bytes.length !== length) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `expected ${length} bytes of hex, got ${bytes.length}`,
      details: { expected: length, actual: bytes.length },
    });
  }
  return bytes;
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return joinBytes(parts);
}

/** As `concatBytes`, of any number of parts: what a peer sends in 130,000 pieces is more than a call takes arguments. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Not constant-time: for public values only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false;
  return true;
}

/**
 * Whether `text` survives its journey through bytes: no lone surrogate, which UTF-8 cannot say, and no byte order
 * mark at its start, which decoders drop.
 */
export function isPlainText(text: string): boolean {
  return text.isWellFormed() && !text.startsWith("\ufeff");
}

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function toUtf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** @throws {InputError} INPUT_INVALID when `bytes` is not well-formed UTF-8 */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return strictDecoder.decode(bytes);
  } catch (cause) {
    throw new InputError({ code: "INPUT_INVALID", message: "bytes are not well-formed UTF-8", cause });
  }
}
