import { expect, test } from "vitest";
import { parseJsonEvidence, tryParseJsonEvidence } from "../../../attestation/evidence/json-evidence.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";

test("reads JSON text, brackets in its strings included", () => {
  expect(parseJsonEvidence(toUtf8('{"a":["[[]",1]}'))).toEqual({ a: ["[[]", 1] });
});

test.for<readonly [string, Uint8Array]>([
  ["text that is no JSON", toUtf8("{")],
  ["bytes that are no UTF-8", Uint8Array.of(0xff)],
  ["65 levels", toUtf8(`${"[".repeat(65)}${"]".repeat(65)}`)],
  ["a megabyte of brackets", new Uint8Array(1_048_576).fill(0x5b)],
  ["more than a node's evidence", new Uint8Array(8 * 1024 * 1024 + 1).fill(0x20)],
])("refuses %s", ([, bytes]) => {
  expect(codeOf(() => parseJsonEvidence(bytes))).toBe("EVIDENCE_MALFORMED");
  expect(tryParseJsonEvidence(bytes)).toBeUndefined();
});
