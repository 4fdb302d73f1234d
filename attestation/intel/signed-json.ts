import { toUtf8 } from "../../protocol/bytes.ts";
import { EndorsementError } from "../../protocol/errors.ts";

/** Longest TCB info or QE identity read, in characters: Intel's are under 64 KiB. */
const MAX_DOCUMENT_CHARS = 1024 * 1024;

/** A JSON document and the exact bytes that were signed. */
export interface JsonDocument {
  readonly signed: Uint8Array<ArrayBuffer>;
  readonly value: unknown;
}

/**
 * Reads a document whose signature covers its text byte for byte. It is never serialised again: Intel's field order
 * and spacing are Intel's.
 *
 * @throws {EndorsementError} ENDORSEMENT_MALFORMED
 */
export function parseJsonDocument(what: string, text: string): JsonDocument {
  if (text.length > MAX_DOCUMENT_CHARS) throw malformedDocument(what, "is too long");
  try {
    return { signed: toUtf8(text), value: JSON.parse(text) };
  } catch (cause) {
    throw malformedDocument(what, "is not JSON", cause);
  }
}

export function malformedDocument(what: string, how: string, cause?: unknown): EndorsementError {
  return new EndorsementError({
    code: "ENDORSEMENT_MALFORMED",
    message: `${what} ${how}`,
    details: { endorsement: what },
    cause,
  });
}

/**
 * The signed text inside a response of Intel's PCS, `{"<name>":{…},"signature":"<hex>"}`: cut out as it stands, from the
 * brace that opens the value to the one that closes it.
 *
 * @throws {EndorsementError} ENDORSEMENT_MALFORMED
 */
export function splitSignedResponse(
  name: "tcbInfo" | "enclaveIdentity",
  body: string,
): { text: string; signature: string } {
  const { value } = parseJsonDocument(name, body);
  const signature = (value as { readonly signature?: unknown } | null)?.signature;
  const key = new RegExp(`"${name}"\\s*:\\s*\\{`).exec(body);
  if (key === null || typeof signature !== "string")
    throw malformedDocument(name, "is not a signed response");
  const start = key.index + key[0].length - 1;
  return { text: body.slice(start, endOfObject(body, start)), signature };
}

/**
 * Index after the object that opens at `start`. The text parsed as JSON and `start` follows a key (inside a string the
 * key's closing quote would be escaped), so a brace outside of strings closes it.
 */
function endOfObject(text: string, start: number): number {
  const token = /"(?:[^"\\]|\\.)*"|[{}]/gs;
  token.lastIndex = start;
  let depth = 0;
  do {
    const [found] = token.exec(text) as RegExpExecArray;
    if (found === "{") depth += 1;
    else if (found === "}") depth -= 1;
  } while (depth > 0);
  return token.lastIndex;
}
