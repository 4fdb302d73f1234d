import fc from "fast-check";
import { expect, test } from "vitest";
import {
  concatBytes,
  joinBytes,
  equalBytes,
  fromHex,
  fromUtf8,
  isHex,
  isPlainText,
  toHex,
  toUtf8,
} from "../../protocol/bytes.ts";
import { codeOf } from "../support/code-of.ts";

test("bytes to hex and back is the identity", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => equalBytes(fromHex(toHex(bytes)), bytes)));
});

test.for([
  ["upper case", "0xAB"],
  ["an odd number of digits", "0xabc"],
  ["a missing prefix", "ab"],
  ["an upper-case prefix", "0Xab"],
  ["a space", "0xab "],
  ["a newline at the end", "0xab\n"],
  ["a letter that is no digit", "0xag"],
  ["a letter beyond ASCII", "0xaé"],
  ["a letter beyond ASCII before a digit", "0xéa"],
  ["nothing at all", ""],
] as const)("refuses hex with %s", ([, text]) => {
  expect(isHex(text)).toBe(false);
  expect(codeOf(() => fromHex(text))).toBe("INPUT_INVALID");
});

test("takes empty bytes as 0x", () => {
  expect(fromHex("0x")).toHaveLength(0);
});

test.for([null, 1, undefined, {}])("%s is not hex", (value) => {
  expect(isHex(value)).toBe(false);
});

test("refuses one byte too few and one too many", () => {
  expect(fromHex("0xabcd", 2)).toEqual(new Uint8Array([0xab, 0xcd]));
  expect(codeOf(() => fromHex("0xab", 2))).toBe("INPUT_INVALID");
  expect(codeOf(() => fromHex("0xabcdef", 2))).toBe("INPUT_INVALID");
});

test("concatenation keeps order and owns its memory", () => {
  const part = new Uint8Array([1, 2]);
  const joined = concatBytes(part, new Uint8Array([3]));
  part[0] = 9;
  expect(joined).toEqual(new Uint8Array([1, 2, 3]));
});

test("joins more parts than a call takes arguments", () => {
  const parts = Array<Uint8Array>(300_000).fill(new Uint8Array([7]));
  expect(joinBytes(parts)).toHaveLength(300_000);
});

test("bytes are equal only in length and every place", () => {
  expect(equalBytes(new Uint8Array([1, 2]), new Uint8Array([1, 2]))).toBe(true);
  expect(equalBytes(new Uint8Array([1, 2]), new Uint8Array([1, 3]))).toBe(false);
  expect(equalBytes(new Uint8Array([1, 2]), new Uint8Array([1, 2, 0]))).toBe(false);
});

test("plain text to UTF-8 and back is the identity", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }).filter(isPlainText), (text) => fromUtf8(toUtf8(text)) === text),
  );
});

test("a byte order mark is kept, not dropped", () => {
  expect(fromUtf8(new Uint8Array([0xef, 0xbb, 0xbf, 0x61]))).toBe("\ufeffa");
});

test.for([
  ["a lone continuation byte", [0x80]],
  ["an overlong slash", [0xc0, 0xaf]],
  ["a surrogate", [0xed, 0xa0, 0x80]],
  ["a truncated sequence", [0xe2, 0x82]],
] as const)("refuses UTF-8 with %s", ([, bytes]) => {
  expect(codeOf(() => fromUtf8(new Uint8Array(bytes)))).toBe("INPUT_INVALID");
});

test("text that bytes cannot carry is not plain", () => {
  expect(isPlainText("a\ufeff")).toBe(true);
  expect(isPlainText("\ufeffa")).toBe(false);
  expect(isPlainText("a\ud800")).toBe(false);
});
