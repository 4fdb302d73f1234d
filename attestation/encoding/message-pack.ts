/**
 * MessagePack of bounded cost: the part of it that serialised evidence uses.
 *
 * Source: github.com/msgpack/msgpack, spec.md. Integers are read in any of their widths, as writers choose them freely.
 * Refused: floats, extension types, map keys that are no text, and a key named twice (docs/adr/0045).
 */

import { EvidenceError } from "../../protocol/errors.ts";
import { fromUtf8 } from "../../protocol/bytes.ts";
import { ByteReader } from "./byte-reader.ts";

export type MessagePackValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array<ArrayBuffer>
  | readonly MessagePackValue[]
  | ReadonlyMap<string, MessagePackValue>;

export interface MessagePackLimits {
  readonly maxBytes: number;
  /** Nested arrays and maps, the outermost being 1. */
  readonly maxDepth: number;
  /** Values of every kind; a map's key and value are two. */
  readonly maxItems: number;
}

/**
 * The one value that `bytes` is.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED
 */
export function decodeMessagePack(bytes: Uint8Array, limits: MessagePackLimits): MessagePackValue {
  if (bytes.length > limits.maxBytes) throw malformed("it is larger than any genuine one", bytes.length);
  const reader = new ByteReader(new Uint8Array(bytes));
  const value = readValue({ reader, limits, items: 0 }, 0);
  reader.expectEnd("MessagePack value");
  return value;
}

interface Decoder {
  readonly reader: ByteReader;
  readonly limits: MessagePackLimits;
  /** Values read so far: what is built is bounded by it, whatever lengths are claimed. */
  items: number;
}

/** Recursion is bounded by `maxDepth`. */
function readValue(decoder: Decoder, depth: number): MessagePackValue {
  const { reader, limits } = decoder;
  decoder.items += 1;
  if (decoder.items > limits.maxItems)
    throw malformed("it has more values than any genuine one", decoder.items);
  const format = reader.uint8();
  if (format <= 0x7f) return format;
  if (format <= 0x8f) return readMap(decoder, depth, format & 0x0f);
  if (format <= 0x9f) return readArray(decoder, depth, format & 0x0f);
  if (format <= 0xbf) return readText(reader, format & 0x1f);
  if (format >= 0xe0) return format - 0x100;
  switch (format) {
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xc4:
    case 0xc5:
    case 0xc6:
      return reader.bytes(readUint(reader, 2 ** (format - 0xc4)));
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
      return readUint(reader, 2 ** (format - 0xcc));
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
      return readInt(reader, 2 ** (format - 0xd0));
    case 0xd9:
    case 0xda:
    case 0xdb:
      return readText(reader, readUint(reader, 2 ** (format - 0xd9)));
    case 0xdc:
    case 0xdd:
      return readArray(decoder, depth, readUint(reader, 2 ** (format - 0xdb)));
    case 0xde:
    case 0xdf:
      return readMap(decoder, depth, readUint(reader, 2 ** (format - 0xdd)));
    default:
      throw malformed("a float, an extension or a reserved format", format);
  }
}

/** Big-endian. Beyond 2^53 a number would be rounded in silence. */
function readUint(reader: ByteReader, length: number): number {
  const value = reader.bytes(length).reduce((sum, byte) => sum * 256 + byte, 0);
  if (!Number.isSafeInteger(value)) throw malformed("an integer of more than 53 bits", length);
  return value;
}

/** Two's complement. */
function readInt(reader: ByteReader, length: number): number {
  const value = reader.bytes(length).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const signed = Number(BigInt.asIntN(8 * length, value));
  if (!Number.isSafeInteger(signed)) throw malformed("an integer of more than 53 bits", length);
  return signed;
}

function readText(reader: ByteReader, length: number): string {
  const bytes = reader.bytes(length);
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw malformed("text that is not UTF-8", length, cause);
  }
}

function readArray(decoder: Decoder, depth: number, length: number): readonly MessagePackValue[] {
  checkContainer(decoder, depth, length);
  const values: MessagePackValue[] = [];
  for (let index = 0; index < length; index++) values.push(readValue(decoder, depth + 1));
  return values;
}

function readMap(decoder: Decoder, depth: number, size: number): ReadonlyMap<string, MessagePackValue> {
  checkContainer(decoder, depth, 2 * size);
  const map = new Map<string, MessagePackValue>();
  for (let index = 0; index < size; index++) {
    const key = readValue(decoder, depth + 1);
    if (typeof key !== "string") throw malformed("a map key that is no text", index);
    if (map.has(key)) throw malformed("a map that names a key twice", index);
    map.set(key, readValue(decoder, depth + 1));
  }
  return map;
}

/** A value takes a byte at least: a length beyond what is left is a lie, told before anything is built. */
function checkContainer({ reader, limits }: Decoder, depth: number, values: number): void {
  if (depth >= limits.maxDepth) throw malformed("it is nested more deeply than any genuine one", depth);
  if (values > reader.remaining) throw malformed("a container is longer than the input", values);
}

function malformed(message: string, value: number, cause?: unknown): EvidenceError {
  return new EvidenceError({
    code: "EVIDENCE_MALFORMED",
    message: `MessagePack: ${message}`,
    details: { value },
    cause,
  });
}
