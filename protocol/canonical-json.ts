/** RFC 8785 (JSON Canonicalization Scheme): one value, one sequence of bytes. */

import canonicalize from "canonicalize";
import { equalBytes, fromUtf8, toUtf8 } from "./bytes.ts";
import { InputError } from "./errors.ts";
import { MAX_JSON_DEPTH } from "./limits.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** @throws {InputError} INPUT_INVALID for what JSON cannot say (NaN, lone surrogates, bigint, functions, cycles) */
export function encodeCanonicalJson(value: Json): Uint8Array<ArrayBuffer> {
  let text: string | undefined;
  try {
    text = canonicalize(value);
  } catch (cause) {
    throw new InputError({ code: "INPUT_INVALID", message: "value has no canonical JSON form", cause });
  }
  if (text === undefined) throw new InputError({ code: "INPUT_INVALID", message: "value is not JSON" });
  return toUtf8(text);
}

/** Parses UTF-8 JSON of any form, nested no deeper than MAX_JSON_DEPTH. @throws {InputError} INPUT_INVALID */
export function parseJson(bytes: Uint8Array): Json {
  checkNesting(bytes);
  const text = fromUtf8(bytes);
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new InputError({ code: "INPUT_INVALID", message: "not JSON", cause });
  }
}

const OPENING: ReadonlySet<number | undefined> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number | undefined> = new Set([0x5d, 0x7d]);
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Before the text is parsed: a few megabytes of brackets would make a tree that no recursive reader survives. */
function checkNesting(bytes: Uint8Array): void {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < bytes.length && depth <= MAX_JSON_DEPTH; at++) {
    const byte = bytes[at];
    if (inString && byte === BACKSLASH) at++;
    else if (byte === QUOTE) inString = !inString;
    else if (!inString && OPENING.has(byte)) depth++;
    else if (!inString && CLOSING.has(byte)) depth--;
  }
  if (depth > MAX_JSON_DEPTH)
    throw new InputError({ code: "INPUT_INVALID", message: `JSON nests deeper than ${MAX_JSON_DEPTH}` });
}

/**
 * Parses JSON that must already be in canonical form: spaces, another order of keys, repeated keys, escapes
 * that need not be, or a newline at the end are refused.
 *
 * @throws {InputError} INPUT_INVALID
 */
export function parseCanonicalJson(bytes: Uint8Array): Json {
  const value = parseJson(bytes);
  if (!equalBytes(encodeCanonicalJson(value), bytes))
    throw new InputError({ code: "INPUT_INVALID", message: "JSON is not in RFC 8785 canonical form" });
  return value;
}
