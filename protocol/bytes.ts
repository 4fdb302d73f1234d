/** Bytes and their one text form: lower-case 0x hex. Everything else is refused, so that one value has one spelling. */

import { bytesToHex, concatBytes as concat, hexToBytes } from "@noble/hashes/utils.js";
import { InputError } from "./errors.ts";

export type Hex = `0x${string}`;

const LOWER_HEX = /^0x(?:[0-9a-f]{2})*$/;

export function isHex(value: unknown): value is Hex {
  return typeof value === "string" && LOWER_HEX.test(value);
}

export function toHex(bytes: Uint8Array): Hex {
  return `0x${bytesToHex(bytes)}`;
}

/**
 * Bytes of a lower-case 0x hex string.
 *
 * @throws {InputError} INPUT_INVALID for upper case, an odd number of digits, a missing prefix, or another `length`
 */
export function fromHex(text: string, length?: number): Uint8Array<ArrayBuffer> {
  if (!isHex(text)) {
    throw new InputError({ code: "INPUT_INVALID", message: "expected lower-case hex with a 0x prefix" });
  }
  const bytes = new Uint8Array(hexToBytes(text.slice(2)));
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
  return new Uint8Array(concat(...parts));
}

/** Not constant-time: for public values only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
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
