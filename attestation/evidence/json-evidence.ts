/** Evidence that is JSON text: read once, bounded, without surprises. */

import { fromUtf8 } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { findRepeatedMember } from "../../protocol/unique-members.ts";

/** Certificates, quotes and event logs of a whole node in base64: under a megabyte. */
const MAX_JSON_BYTES = 8 * 1024 * 1024;

/** Below this depth `JSON.parse` cannot exhaust a stack; evidence nests a handful of levels. */
const MAX_JSON_DEPTH = 64;

/**
 * The value that UTF-8 JSON text is, with or without a byte order mark. An object that names a member twice is refused:
 * which of the two was meant, nobody can say.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED; EVIDENCE_UNSUPPORTED for more or deeper JSON than is read
 */
export function parseJsonEvidence(bytes: Uint8Array): unknown {
  if (bytes.length > MAX_JSON_BYTES || depthOf(bytes) > MAX_JSON_DEPTH) {
    // Not read, and so not shown to be false.
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "the JSON is larger or deeper than any genuine evidence",
    });
  }
  const { text, value } = parse(bytes);
  const repeated = findRepeatedMember(text);
  if (repeated !== undefined) {
    throw new EvidenceError({
      code: "EVIDENCE_MALFORMED",
      message: `the JSON names a member twice: ${repeated.slice(0, 100)}`,
      details: { member: repeated.slice(0, 100) },
    });
  }
  return value;
}

function parse(bytes: Uint8Array): { readonly text: string; readonly value: unknown } {
  try {
    const text = fromUtf8(withoutByteOrderMark(bytes));
    return { text, value: JSON.parse(text) };
  } catch (cause) {
    throw new EvidenceError({ code: "EVIDENCE_MALFORMED", message: "the evidence is not JSON", cause });
  }
}

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

/** Windows writes one before UTF-8 text; RFC 8259 §8.1 lets a parser ignore it. */
export function withoutByteOrderMark(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
export function withoutByteOrderMark(bytes: Uint8Array): Uint8Array;
export function withoutByteOrderMark(bytes: Uint8Array): Uint8Array {
  return BYTE_ORDER_MARK.every((byte, index) => bytes[index] === byte) ? bytes.subarray(3) : bytes;
}

/** Deepest nesting by brackets, those in strings among them: never less than the real one. */
function depthOf(bytes: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  for (const byte of bytes) {
    if (byte === 0x5b || byte === 0x7b) depth += 1;
    else if (byte === 0x5d || byte === 0x7d) depth -= 1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

/**
 * The value where these bytes are JSON, undefined where they are not: for recognising a kind.
 */
export function tryParseJsonEvidence(bytes: Uint8Array): unknown {
  try {
    return parseJsonEvidence(bytes);
  } catch {
    return undefined;
  }
}
