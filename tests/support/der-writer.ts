/** Writes DER (X.690) for minted certificates. The opposite of attestation/asn1, and shares no code with it. */

import { concatBytes, fromHex } from "../../protocol/bytes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export function der(tag: number, ...parts: readonly Uint8Array[]): Bytes {
  const content = concatBytes(...parts);
  const { length } = content;
  const bytes = [length >> 16, (length >> 8) & 0xff, length & 0xff];
  const digits = length < 0x100 ? bytes.slice(2) : length < 0x10000 ? bytes.slice(1) : bytes;
  const head = length < 0x80 ? [tag, length] : [tag, 0x80 + digits.length, ...digits];
  return concatBytes(Uint8Array.from(head), content);
}

export const sequence = (...parts: readonly Uint8Array[]): Bytes => der(0x30, ...parts);
export const set = (...parts: readonly Uint8Array[]): Bytes => der(0x31, ...parts);
export const octetString = (content: Uint8Array): Bytes => der(0x04, content);
export const bitString = (content: Uint8Array): Bytes => der(0x03, Uint8Array.of(0), content);
export const utf8String = (text: string): Bytes => der(0x0c, new TextEncoder().encode(text));
export const ia5String = (text: string): Bytes => der(0x16, new TextEncoder().encode(text));
export const explicit = (number: number, content: Uint8Array): Bytes => der(0xa0 + number, content);
export const booleanTrue = (): Bytes => Uint8Array.of(0x01, 0x01, 0xff);

/** A non-negative integer, from a number or from big-endian bytes. */
export function integer(value: number | Uint8Array): Bytes {
  const digits = typeof value === "number" ? toDigits(value) : value;
  const start = digits.findIndex((byte) => byte !== 0);
  const significant = start === -1 ? Uint8Array.of(0) : digits.subarray(start);
  return der(0x02, significant[0]! >= 0x80 ? concatBytes(Uint8Array.of(0), significant) : significant);
}

function toDigits(value: number): Bytes {
  const hex = value.toString(16);
  return fromHex(`0x${hex.length % 2 === 0 ? hex : `0${hex}`}`);
}

export function oid(dotted: string): Bytes {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return der(0x06, Uint8Array.from([first * 40 + second, ...rest].flatMap(toBase128)));
}

function toBase128(arc: number): number[] {
  const digits = [arc % 128];
  for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
    digits.unshift((left % 128) + 128);
  return digits;
}

/** RFC 5280 §4.1.2.5: UTCTime to 2049, GeneralizedTime after. */
export function time(seconds: number): Bytes {
  const text = new Date(seconds * 1000).toISOString().replace(/[-:T]|\.\d+/g, "");
  const ascii = new TextEncoder();
  return text < "2050" ? der(0x17, ascii.encode(text.slice(2))) : der(0x18, ascii.encode(text));
}
