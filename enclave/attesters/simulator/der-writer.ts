/** DER (X.690 §10), as much of it as certificates and CRLs need. */

import { concatBytes, toUtf8 } from "../../../protocol/bytes.ts";

export type Der = Uint8Array<ArrayBuffer>;

function element(tag: number, ...content: readonly Uint8Array[]): Der {
  const body = concatBytes(...content);
  return concatBytes(Uint8Array.of(tag), encodeLength(body.length), body);
}

function encodeLength(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}

export const der = {
  element,
  sequence: (...items: readonly Uint8Array[]): Der => element(0x30, ...items),
  set: (...items: readonly Uint8Array[]): Der => element(0x31, ...items),
  /** `[n]` EXPLICIT. */
  context: (number: number, ...items: readonly Uint8Array[]): Der => element(0xa0 | number, ...items),
  boolean: (value: boolean): Der => element(0x01, Uint8Array.of(value ? 0xff : 0)),
  /** Big-endian unsigned bytes. */
  unsigned(bytes: Uint8Array): Der {
    let start = 0;
    while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
    const shortest = bytes.subarray(start);
    return (shortest[0] ?? 0) >= 0x80 ? element(0x02, Uint8Array.of(0), shortest) : element(0x02, shortest);
  },
  integer(value: number): Der {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value);
    return der.unsigned(bytes);
  },
  enumerated: (value: number): Der => element(0x0a, Uint8Array.of(value)),
  bitString: (bytes: Uint8Array, unusedBits = 0): Der => element(0x03, Uint8Array.of(unusedBits), bytes),
  octetString: (bytes: Uint8Array): Der => element(0x04, bytes),
  utf8String: (text: string): Der => element(0x0c, toUtf8(text)),
  null: (): Der => element(0x05),
  oid(dotted: string): Der {
    const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
    return element(0x06, Uint8Array.from([first * 40 + second, ...rest].flatMap(encodeArc)));
  },
  /** GeneralizedTime from 2050 on, UTCTime before (RFC 5280 §4.1.2.5). */
  time(seconds: number): Der {
    const digits = new Date(seconds * 1000)
      .toISOString()
      .replace(/\.\d+Z$/, "")
      .replace(/[-:T]/g, "");
    const isLate = Number(digits.slice(0, 4)) >= 2050;
    return isLate ? element(0x18, toUtf8(`${digits}Z`)) : element(0x17, toUtf8(`${digits.slice(2)}Z`));
  },
};

/** Base 128, most significant first, all but the last with the top bit set (X.690 §8.19.2). */
function encodeArc(arc: number): number[] {
  const bytes = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128))
    bytes.unshift(0x80 | (rest % 128));
  return bytes;
}
