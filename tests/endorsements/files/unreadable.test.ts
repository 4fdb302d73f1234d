import { expect, test } from "vitest";
import { unreadable } from "../../../endorsements/files/unreadable.ts";

test.for([
  [
    "a name that is not in UTF-8, of which Node knows no bytes",
    "n\u{fffd}.bin",
    /its name is not in UTF-8: rename it/,
  ],
  ["a URL", "https://example.org/quote.bin", /it is a URL, and a file is wanted/],
  ["a name that no file has", "nope.bin", /there is no such file/],
] as const)("says why it cannot be read: %s", ([, path, reason]) => {
  const error = unreadable(path, { code: "ENOENT" });
  expect(error.code).toBe("INPUT_NOT_FOUND");
  expect(error.message).toMatch(reason);
});
