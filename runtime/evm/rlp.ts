/** RLP (Ethereum Yellow Paper, appendix B), in its one canonical form: what has two encodings is refused. */

import { concatBytes } from "../../protocol/bytes.ts";
import { ProofRefused } from "./proof-refused.ts";

export type RlpItem = Uint8Array | readonly RlpItem[];

const STRING = 0x80;
const LIST = 0xc0;
/** Longer lengths are written apart from the first byte. */
const MAX_SHORT = 55;
/** Bytes of a length: nothing that a program is given is longer. */
const MAX_LENGTH_BYTES = 4;
/** A node of a trie holds nodes inside of it, at most that deep. */
const MAX_DEPTH = 16;

/** @throws {ProofRefused} for what is not canonical, and for bytes behind the item */
export function decodeRlp(bytes: Uint8Array): RlpItem {
  const { item, end } = readItem(bytes, 0, 0);
  if (end !== bytes.length) throw refused("bytes follow the item");
  return item;
}

interface Read {
  readonly item: RlpItem;
  readonly end: number;
}

function readItem(bytes: Uint8Array, at: number, depth: number): Read {
  if (depth > MAX_DEPTH) throw refused("lists nest too deep");
  const first = bytes[at];
  if (first === undefined) throw refused("cut short");
  if (first < STRING) return { item: bytes.subarray(at, at + 1), end: at + 1 };
  const isList = first >= LIST;
  const { start, length } = readLength(bytes, at + 1, first - (isList ? LIST : STRING));
  const end = start + length;
  if (end > bytes.length) throw refused("cut short");
  if (isList) return { item: readItems(bytes.subarray(0, end), start, depth + 1), end };
  const item = bytes.subarray(start, end);
  if (item.length === 1 && (item[0] ?? 0) < STRING)
    throw refused("a byte that is its own encoding has a length");
  return { item, end };
}

function readLength(
  bytes: Uint8Array,
  at: number,
  code: number,
): { readonly start: number; readonly length: number } {
  if (code <= MAX_SHORT) return { start: at, length: code };
  const width = code - MAX_SHORT;
  const digits = bytes.subarray(at, at + width);
  if (width > MAX_LENGTH_BYTES || digits.length !== width || digits[0] === 0)
    throw refused("a length is not canonical");
  const length = digits.reduce((sum, digit) => sum * 256 + digit, 0);
  if (length <= MAX_SHORT) throw refused("a length is not canonical");
  return { start: at + width, length };
}

function readItems(bytes: Uint8Array, from: number, depth: number): readonly RlpItem[] {
  const items: RlpItem[] = [];
  for (let at = from; at < bytes.length;) {
    const { item, end } = readItem(bytes, at, depth);
    items.push(item);
    at = end;
  }
  return items;
}

export function encodeRlp(item: RlpItem): Uint8Array<ArrayBuffer> {
  if (!(item instanceof Uint8Array)) {
    const body = concatBytes(...item.map(encodeRlp));
    return concatBytes(head(LIST, body.length), body);
  }
  const isItself = item.length === 1 && (item[0] ?? 0) < STRING;
  return isItself ? concatBytes(item) : concatBytes(head(STRING, item.length), item);
}

function head(kind: number, length: number): Uint8Array {
  if (length <= MAX_SHORT) return Uint8Array.of(kind + length);
  const digits: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return Uint8Array.of(kind + MAX_SHORT + digits.length, ...digits);
}

function refused(message: string): ProofRefused {
  return new ProofRefused("rlp", message);
}
