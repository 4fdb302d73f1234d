/** Evidence that is JSON text: read once, bounded, without surprises. */

import { fromUtf8 } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";

/** Certificates, quotes and event logs of a whole node in base64: under a megabyte. */
const MAX_JSON_BYTES = 8 * 1024 * 1024;

/** Below this depth `JSON.parse` cannot exhaust a stack; evidence nests a handful of levels. */
const MAX_JSON_DEPTH = 64;

/**
 * The value that UTF-8 JSON text is.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED
 */
export function parseJsonEvidence(bytes: Uint8Array): unknown {
  if (bytes.length > MAX_JSON_BYTES || depthOf(bytes) > MAX_JSON_DEPTH) {
    throw new EvidenceError({
      code: "EVIDENCE_MALFORMED",
      message: "the JSON is larger or deeper than any genuine evidence",
    });
  }
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch (cause) {
    throw new EvidenceError({ code: "EVIDENCE_MALFORMED", message: "the evidence is not JSON", cause });
  }
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
