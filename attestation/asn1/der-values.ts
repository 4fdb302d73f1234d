import type { UnixSeconds } from "../time/unix-time.ts";
import { type DerElement, type DerReader, TAG } from "./der-reader.ts";
import { malformed } from "../encoding/malformed.ts";

/** Longest object identifier read, in bytes; Intel's and AMD's are under 16. */
const MAX_OID_BYTES = 64;

/** Dotted form of an OBJECT IDENTIFIER's content (X.690 §8.19). */
export function toOid(content: Uint8Array): string {
  if (content.length === 0 || content.length > MAX_OID_BYTES)
    throw malformed("object identifier has no sane length");
  let text = "";
  let arc = 0;
  let pending = false;
  for (const byte of content) {
    if (!pending && byte === 0x80) throw malformed("object identifier arc is not in its shortest form");
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER / 128) throw malformed("object identifier arc is too large");
    pending = byte >= 0x80;
    if (!pending) {
      text = text === "" ? firstArcs(arc) : `${text}.${arc}`;
      arc = 0;
    }
  }
  if (pending) throw malformed("object identifier ends inside an arc");
  return text;
}

/** The first two arcs travel as one number (§8.19.4). */
function firstArcs(joined: number): string {
  const root = Math.min(Math.floor(joined / 40), 2);
  return `${root}.${joined - root * 40}`;
}

export function readOid(reader: DerReader): string {
  return toOid(reader.read(TAG.oid).content);
}

/** Content of a non-negative INTEGER without its sign byte: big-endian, shortest form (X.690 §8.3). */
export function toUnsigned(content: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const [first, second] = content;
  if (first === undefined) throw malformed("DER integer is empty");
  if (first >= 0x80) throw malformed("DER integer is negative");
  if (first !== 0 || second === undefined) return content;
  if (second < 0x80) throw malformed("DER integer is not in its shortest form");
  return content.subarray(1);
}

/** Bytes of a small number: 4, so that arithmetic on it stays exact. */
const MAX_SMALL_INTEGER_BYTES = 4;

export function toSmallInteger(content: Uint8Array<ArrayBuffer>): number {
  const unsigned = toUnsigned(content);
  if (unsigned.length > MAX_SMALL_INTEGER_BYTES) throw malformed("DER integer is too large for its field");
  return unsigned.reduce((value, byte) => value * 256 + byte, 0);
}

export function readSmallInteger(reader: DerReader): number {
  return toSmallInteger(reader.read(TAG.integer).content);
}

/** X.690 §11.1: TRUE is 0xff. */
export function toBoolean(content: Uint8Array): boolean {
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff))
    throw malformed("DER boolean is malformed");
  return content[0] === 0xff;
}

/** Content of a BIT STRING of whole bytes: keys and signatures. */
export function toBitStringBytes(content: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (content[0] !== 0) throw malformed("bit string does not hold whole bytes");
  return content.subarray(1);
}

/** Digits of the year; ten more follow, and `Z`. */
const YEAR_DIGITS: ReadonlyMap<number, 2 | 4> = new Map([
  [TAG.utcTime, 2],
  [TAG.generalizedTime, 4],
]);
const Z = 0x5a;

/**
 * UTCTime or GeneralizedTime in the forms that RFC 5280 §4.1.2.5 allows: seconds present, `Z`, no fraction. Read from
 * the bytes, without text or patterns between: a revocation list has a time for every entry.
 */
export function toTime({ tag, content }: DerElement): UnixSeconds {
  const width = YEAR_DIGITS.get(tag);
  if (width === undefined || content.length !== width + 11 || content[width + 10] !== Z)
    throw malformed("time is not in a form that RFC 5280 allows");
  const written = toNumber(content, 0, width);
  // RFC 5280 §4.1.2.5.1: two-digit years below 50 are in this century.
  const year = width === 4 ? written : written < 50 ? 2000 + written : 1900 + written;
  const month = toNumber(content, width, 2);
  const day = toNumber(content, width + 2, 2);
  const hour = toNumber(content, width + 4, 2);
  const minute = toNumber(content, width + 6, 2);
  const second = toNumber(content, width + 8, 2);
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  // Date.UTC rolls 31 February over into March, and reads year 50 as 1950; a real date survives the way there and back.
  if (
    date.getUTCFullYear() !== year ||
    date.getUTCMonth() !== month - 1 ||
    date.getUTCDate() !== day ||
    hour > 23 ||
    minute > 59 ||
    second > 59
  )
    throw malformed("time names a moment that does not exist");
  return date.getTime() / 1000;
}

function toNumber(content: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (const byte of content.subarray(at, at + width)) {
    const digit = byte - 0x30;
    if (digit < 0 || digit > 9) throw malformed("time is not in a form that RFC 5280 allows");
    value = value * 10 + digit;
  }
  return value;
}
