import { expect, test } from "vitest";
import { parseJsonEvidence, tryParseJsonEvidence } from "../../../attestation/evidence/json-evidence.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";

test("reads JSON text, brackets in its strings included", () => {
  expect(parseJsonEvidence(toUtf8('{"a":["[[]",1]}'))).toEqual({ a: ["[[]", 1] });
});

test.for<readonly [string, Uint8Array, string]>([
  ["text that is no JSON", toUtf8("{"), "EVIDENCE_MALFORMED"],
  ["bytes that are no UTF-8", Uint8Array.of(0xff), "EVIDENCE_MALFORMED"],
  ["65 levels", toUtf8(`${"[".repeat(65)}${"]".repeat(65)}`), "EVIDENCE_UNSUPPORTED"],
  ["a megabyte of brackets", new Uint8Array(1_048_576).fill(0x5b), "EVIDENCE_UNSUPPORTED"],
  ["more than a node's evidence", new Uint8Array(8 * 1024 * 1024 + 1).fill(0x20), "EVIDENCE_UNSUPPORTED"],
])("refuses %s", ([, bytes, code]) => {
  expect(codeOf(() => parseJsonEvidence(bytes))).toBe(code);
  expect(tryParseJsonEvidence(bytes)).toBeUndefined();
});
