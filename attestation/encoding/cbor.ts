/**
 * Strict CBOR (RFC 8949) of bounded cost. `cborg` decodes recursively and builds what the input claims, so a scan of
 * the structure comes first: it refuses what would be deep or large before anything is built.
 */

import { decode } from "cborg";
import { EvidenceError } from "../../protocol/errors.ts";

export type CborValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | readonly CborValue[]
  | ReadonlyMap<CborValue, CborValue>;

export interface CborLimits {
  readonly maxBytes: number;
  /** Nested arrays and maps, the outermost being 1. */
  readonly maxDepth: number;
  /** Data items of every kind; a map's key and value are two. */
  readonly maxItems: number;
  /** Whether arrays and maps may end with a break (RFC 8949 §3.2.2); strings never may. */
  readonly containers: "definite" | "definite-or-indefinite";
}

/** Narrowing by `instanceof` alone loses what kind of buffer lies beneath. */
export function isBytes(value: CborValue | undefined): value is Uint8Array<ArrayBuffer> {
  return value instanceof Uint8Array;
}

export function isMap(value: CborValue | undefined): value is ReadonlyMap<CborValue, CborValue> {
  return value instanceof Map;
}

/** RFC 8949 §3.1. */
const MAJOR_TYPE = {
  unsigned: 0,
  negative: 1,
  bytes: 2,
  text: 3,
  array: 4,
  map: 5,
  tag: 6,
  simple: 7,
} as const;

/** RFC 8949 §3.2.1: ends an array or map of indefinite length. */
const BREAK = 0xff;

/**
 * The one data item that `bytes` is. Map keys are unique and in a `Map`; integers are in their shortest form.
 * Refused: tags, `undefined`, NaN, infinities, and strings in chunks (RFC 8949 §5.3).
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED
 */
export function decodeCbor(bytes: Uint8Array, limits: CborLimits): CborValue {
  if (bytes.length > limits.maxBytes)
    throw malformed("the CBOR is larger than any genuine one", { length: bytes.length });
  checkStructure(bytes, limits);
  try {
    return decode(bytes, {
      strict: true,
      useMaps: true,
      rejectDuplicateMapKeys: true,
      allowIndefinite: limits.containers === "definite-or-indefinite",
      allowUndefined: false,
      allowInfinity: false,
      allowNaN: false,
      allowBigInt: true,
    }) as CborValue;
  } catch (cause) {
    throw malformed("the CBOR breaks a rule of strict decoding", {}, cause);
  }
}

/** Walks the heads without recursion: one pass, memory bounded by `maxDepth`. */
function checkStructure(bytes: Uint8Array, limits: CborLimits): void {
  /** Items still to come, per open container; the last is the innermost. Infinity until a break. */
  const pending = [1];
  let offset = 0;
  let items = 0;
  while (pending.length > 0) {
    const innermost = pending.length - 1;
    const remaining = pending[innermost] as number;
    if (remaining === 0 || (remaining === Infinity && bytes[offset] === BREAK)) {
      offset += remaining === 0 ? 0 : 1;
      pending.pop();
      continue;
    }
    const head = readHead(bytes, offset, limits);
    pending[innermost] = remaining - 1;
    offset = head.next;
    items += 1;
    if (items > limits.maxItems) throw malformed("the CBOR has more items than any genuine one", { items });
    if (head.children > 0) pending.push(head.children);
    if (pending.length > limits.maxDepth + 1)
      throw malformed("the CBOR is nested more deeply than any genuine one", { depth: limits.maxDepth });
  }
  if (offset !== bytes.length)
    throw malformed("bytes follow the CBOR item", { trailing: bytes.length - offset });
}

interface Head {
  /** Offset of the next head. */
  readonly next: number;
  /** Items directly inside; Infinity when a break ends them. */
  readonly children: number;
}

function readHead(bytes: Uint8Array, offset: number, limits: CborLimits): Head {
  const initial = bytes[offset];
  if (initial === undefined) throw malformed("the CBOR ends inside an item", { offset });
  const majorType = initial >> 5;
  const isContainer = majorType === MAJOR_TYPE.array || majorType === MAJOR_TYPE.map;
  if ((initial & 0x1f) === 31 && isContainer && limits.containers === "definite-or-indefinite")
    return { next: offset + 1, children: Infinity };
  const { value, next } = readArgument(bytes, initial, offset);
  switch (majorType) {
    case MAJOR_TYPE.unsigned:
    case MAJOR_TYPE.negative:
    case MAJOR_TYPE.simple:
      return { next, children: 0 };
    case MAJOR_TYPE.bytes:
    case MAJOR_TYPE.text:
      if (value > bytes.length - next) throw malformed("a CBOR string is longer than the input", { offset });
      return { next: next + value, children: 0 };
    case MAJOR_TYPE.array:
      return { next, children: value };
    case MAJOR_TYPE.map:
      return { next, children: 2 * value };
    default:
      throw malformed("CBOR tags are not expected here", { offset });
  }
}

/** RFC 8949 §3: the low five bits are the argument, or say in how many bytes it follows. */
function readArgument(
  bytes: Uint8Array,
  initial: number,
  offset: number,
): { readonly value: number; readonly next: number } {
  const additional = initial & 0x1f;
  if (additional < 24) return { value: additional, next: offset + 1 };
  if (additional > 27)
    throw malformed("indefinite lengths and reserved arguments are not expected here", { offset });
  const length = 2 ** (additional - 24);
  const argument = bytes.subarray(offset + 1, offset + 1 + length);
  if (argument.length < length) throw malformed("the CBOR ends inside an item", { offset });
  return { value: argument.reduce((value, byte) => value * 256 + byte, 0), next: offset + 1 + length };
}

function malformed(message: string, details: Record<string, number>, cause?: unknown): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_MALFORMED", message, details, cause });
}
