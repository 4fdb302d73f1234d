/** Reads packed bytes forward: big-endian integers and runs of bytes whose length came before. */

import { InputError } from "./errors.ts";

export class ByteCursor {
  readonly #source: Uint8Array<ArrayBuffer>;
  #at = 0;

  constructor(source: Uint8Array) {
    this.#source = new Uint8Array(source);
  }

  get remaining(): number {
    return this.#source.length - this.#at;
  }

  /** @throws {InputError} INPUT_INVALID past the end */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    if (length > this.remaining) {
      throw new InputError({
        code: "INPUT_INVALID",
        message: "the bytes end before a length that they declare",
        details: { offset: this.#at, needed: length, remaining: this.remaining },
      });
    }
    const bytes = this.#source.slice(this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }

  /** @param length at most 6 bytes, which a number holds exactly @throws {InputError} INPUT_INVALID past the end */
  uint(length: number): number {
    return this.bytes(length).reduce((value, byte) => value * 256 + byte, 0);
  }

  /** @throws {InputError} INPUT_INVALID past the end */
  bigUint(length: number): bigint {
    return this.bytes(length).reduce((value, byte) => value * 256n + BigInt(byte), 0n);
  }
}

/** An unsigned integer in `length` big-endian bytes. The caller has checked its range. */
export function uintBytes(value: bigint | number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let rest = BigInt(value);
  for (let at = length - 1; at >= 0; at -= 1, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
  return bytes;
}
