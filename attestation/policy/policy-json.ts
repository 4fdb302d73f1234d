/** Policies as JSON that a person wrote: read so that each has one meaning, and refused with its file and place. */

import { fromUtf8 } from "../../protocol/bytes.ts";
import { parseJson } from "../../protocol/canonical-json.ts";
import { InputError } from "../../protocol/errors.ts";
import { findRepeatedMember } from "../../protocol/unique-members.ts";
import { withoutByteOrderMark } from "../evidence/json-evidence.ts";

/**
 * @param name of the file, for messages
 * @throws {InputError} INPUT_INVALID for what is no JSON, or JSON that names a member twice
 */
export function parsePolicyJson(file: Uint8Array, name: string): unknown {
  const bytes = withoutByteOrderMark(new Uint8Array(file));
  let json: unknown;
  try {
    json = parseJson(bytes);
  } catch (cause) {
    throw policyFault({ name, path: "" }, bytes.length === 0 ? "is empty" : "is not JSON", cause);
  }
  const repeated = findRepeatedMember(fromUtf8(bytes));
  if (repeated === undefined) return json;
  throw policyFault(
    { name, path: repeated },
    `${repeated} stands there twice: which of the two is meant, nobody can say`,
  );
}

/** The error of a file, at a place in it. */
export function policyFault(
  { name, path }: { readonly name: string; readonly path: string },
  what: string,
  cause?: unknown,
): InputError {
  return new InputError({
    code: "INPUT_INVALID",
    message: `${name}: ${what}`,
    details: { file: name, path: path === "" ? "its root" : path },
    cause,
  });
}
