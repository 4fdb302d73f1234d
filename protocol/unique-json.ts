import { fromUtf8 } from "./bytes.ts";
import { parseJson, type Json } from "./canonical-json.ts";
import { InputError } from "./errors.ts";
import { findRepeatedMember } from "./unique-members.ts";

/** What is wrong with it, behind the place of a member. */
export const MEANT_TWICE = "stands there twice: which of the two is meant, nobody can say";

/**
 * JSON that somebody else wrote, and this side acts on.
 *
 * @throws {InputError} INPUT_INVALID for what is no JSON, nests too deep, or names a member twice (`details.field`: its place)
 */
export function parseUniqueJson(bytes: Uint8Array): Json {
  const json = parseJson(bytes);
  const repeated = findRepeatedMember(fromUtf8(bytes));
  if (repeated === undefined) return json;
  throw new InputError({
    code: "INPUT_INVALID",
    message: `${repeated} ${MEANT_TWICE}`,
    details: { field: repeated },
  });
}
