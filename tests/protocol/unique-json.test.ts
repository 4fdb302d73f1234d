import { expect, test } from "vitest";
import { toUtf8 } from "../../protocol/bytes.ts";
import { parseUniqueJson } from "../../protocol/unique-json.ts";
import { codeOf } from "../support/code-of.ts";

test("refuses what names a member twice, and tells the place", () => {
  expect(parseUniqueJson(toUtf8('{"a":[{"b":1},{"b":2}]}'))).toEqual({ a: [{ b: 1 }, { b: 2 }] });
  const refused = (): unknown => parseUniqueJson(toUtf8('{"a":[{"b":1,"\\u0062":2}]}'));
  expect(codeOf(refused)).toBe("INPUT_INVALID");
  expect(refused).toThrow(/^a\[0\]\.b stands there twice/);
});
