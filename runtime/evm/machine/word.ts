/** The machine's words: 256 bits, unsigned. */

import { fromHex, toHex, type Hex } from "../../../protocol/bytes.ts";

export function wrap(value: bigint): bigint {
  return BigInt.asUintN(256, value);
}

export function signed(value: bigint): bigint {
  return BigInt.asIntN(256, value);
}

/** Of at most 32 bytes, big-endian. */
export function wordOf(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(toHex(bytes));
}

export function bytesOf(word: bigint): Uint8Array<ArrayBuffer> {
  return fromHex(hexOf(word));
}

export function hexOf(word: bigint): Hex {
  return `0x${word.toString(16).padStart(64, "0")}`;
}

/** The low 20 bytes. */
export function addressOf(word: bigint): Hex {
  return `0x${BigInt.asUintN(160, word).toString(16).padStart(40, "0")}`;
}

/** `base ** exponent`, wrapped. */
export function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let [factor, rest] = [base, exponent]; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = wrap(result * factor);
    factor = wrap(factor * factor);
  }
  return result;
}

/** The sign of a number of `size + 1` bytes, over all of the word. */
export function extendSign(size: bigint, value: bigint): bigint {
  return size >= 31n ? value : wrap(BigInt.asIntN(8 * (Number(size) + 1), value));
}

/** Of bits, from the top. */
export function leadingZeros(value: bigint): bigint {
  return value === 0n ? 256n : BigInt(256 - value.toString(2).length);
}

/** `length` bytes of `bytes` from `offset` on, with zeros behind its end. */
export function sliceOf(bytes: Uint8Array, offset: bigint, length: number): Uint8Array {
  const slice = new Uint8Array(length);
  if (offset < BigInt(bytes.length)) slice.set(bytes.subarray(Number(offset), Number(offset) + length));
  return slice;
}
