/** RFC 8785 (JSON Canonicalization Scheme): one value, one sequence of bytes. */

import canonicalize from "canonicalize";
import { equalBytes, fromUtf8, toUtf8 } from "./bytes.ts";
import { InputError } from "./errors.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** @throws {InputError} INPUT_INVALID for what JSON cannot say (undefined, NaN, functions, cycles) */
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

/** Parses UTF-8 JSON of any form. @throws {InputError} INPUT_INVALID */
export function parseJson(bytes: Uint8Array): Json {
  const text = fromUtf8(bytes);
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new InputError({ code: "INPUT_INVALID", message: "not JSON", cause });
  }
}

/**
 * Parses JSON that must already be in canonical form: spaces, another order of keys, repeated keys, escapes
 * that need not be, or a newline at the end are refused.
 *
 * @throws {InputError} INPUT_INVALID
 */
export function parseCanonicalJson(bytes: Uint8Array): Json {
  const value = parseJson(bytes);
  if (!equalBytes(encodeCanonicalJson(value), bytes)) {
    throw new InputError({ code: "INPUT_INVALID", message: "JSON is not in RFC 8785 canonical form" });
  }
  return value;
}
