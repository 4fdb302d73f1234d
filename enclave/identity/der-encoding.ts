/** DER (X.690 §10), as much of it as one certificate needs. */

import { concatBytes, toUtf8 } from "../../protocol/bytes.ts";

function element(tag: number, ...contents: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const content = concatBytes(...contents);
  return concatBytes(Uint8Array.of(tag), length(content.length), content);
}

/** Shortest form of a definite length (X.690 §8.1.3). */
function length(size: number): Uint8Array {
  if (size < 0x80) return Uint8Array.of(size);
  const bytes: number[] = [];
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}

/** One arc in base 128, all bytes but the last with the top bit set (X.690 §8.19.2). */
function arc(value: number): readonly number[] {
  const bytes = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128))
    bytes.unshift(0x80 | (rest % 128));
  return bytes;
}

export const der = {
  element,
  sequence: (...items: readonly Uint8Array[]) => element(0x30, ...items),
  set: (...items: readonly Uint8Array[]) => element(0x31, ...items),
  utf8String: (text: string) => element(0x0c, toUtf8(text)),
  bitString: (bytes: Uint8Array) => element(0x03, Uint8Array.of(0), bytes),
  /** Big-endian bytes of a positive number whose first byte is neither 0 nor above 0x7f. */
  unsigned: (bytes: Uint8Array) => element(0x02, bytes),
  oid(dotted: string): Uint8Array {
    const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
    return element(0x06, Uint8Array.from([first * 40 + second, ...rest].flatMap(arc)));
  },
  /** RFC 5280 §4.1.2.5: UTCTime until 2049. */
  time(seconds: number): Uint8Array {
    const digits = new Date(seconds * 1000).toISOString().replaceAll(/\.\d+Z$|[-:T]/g, "");
    return Number(digits.slice(0, 4)) >= 2050
      ? element(0x18, toUtf8(`${digits}Z`))
      : element(0x17, toUtf8(`${digits.slice(2)}Z`));
  },
} as const;
