import type { UnixSeconds } from "../unix-time.ts";
import { type DerElement, type DerReader, malformed, TAG } from "./der-reader.ts";

/** Longest object identifier read, in bytes; Intel's and AMD's are under 16. */
const MAX_OID_BYTES = 64;

/** Dotted form of an OBJECT IDENTIFIER's content (X.690 §8.19). */
export function toOid(content: Uint8Array): string {
  if (content.length === 0 || content.length > MAX_OID_BYTES)
    throw malformed("object identifier has no sane length");
  const arcs: number[] = [];
  let arc = 0;
  let pending = false;
  for (const byte of content) {
    if (!pending && byte === 0x80) throw malformed("object identifier arc is not in its shortest form");
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER / 128) throw malformed("object identifier arc is too large");
    pending = byte >= 0x80;
    if (!pending) {
      arcs.push(arc);
      arc = 0;
    }
  }
  if (pending) throw malformed("object identifier ends inside an arc");
  const first = arcs[0] as number;
  const root = Math.min(Math.floor(first / 40), 2);
  return [root, first - root * 40, ...arcs.slice(1)].join(".");
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

const UTC_TIME = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
const GENERALIZED_TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;

/** UTCTime or GeneralizedTime in the forms that RFC 5280 §4.1.2.5 allows: seconds present, `Z`, no fraction. */
export function toTime({ tag, content }: DerElement): UnixSeconds {
  const text = String.fromCharCode(...content.subarray(0, 16));
  const match = (
    tag === TAG.utcTime ? UTC_TIME : tag === TAG.generalizedTime ? GENERALIZED_TIME : null
  )?.exec(text);
  if (!match) throw malformed("time is not in a form that RFC 5280 allows");
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  // RFC 5280 §4.1.2.5.1: two-digit years below 50 are in this century.
  const fullYear = tag === TAG.generalizedTime ? year : year < 50 ? 2000 + year : 1900 + year;
  const date = new Date(Date.UTC(fullYear, month - 1, day, hour, minute, second));
  // Date.UTC rolls 31 February over into March; a real date survives the way there and back.
  if (
    date.getUTCMonth() !== month - 1 ||
    date.getUTCDate() !== day ||
    hour > 23 ||
    minute > 59 ||
    second > 59
  ) {
    throw malformed("time names a moment that does not exist");
  }
  return date.getTime() / 1000;
}
