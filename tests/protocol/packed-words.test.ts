import fc from "fast-check";
import { expect, test } from "vitest";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { packWords, unpackWords } from "../../protocol/packed-words.ts";
import { codeOf } from "../support/code-of.ts";

/** Words as ABI encoding makes them: numbers padded on the left, text on the right, full ones. */
const word = fc
  .tuple(fc.uint8Array({ maxLength: 32 }), fc.boolean())
  .map(([bytes, left]) =>
    Uint8Array.from({ length: 32 }, (_, i) => bytes[left ? i : i - 32 + bytes.length] ?? 0),
  );

test("packing and unpacking give the same words", () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 20 }), (words) => {
      const output = new Uint8Array(words.flatMap((bytes) => [...bytes]));
      const packed = packWords(output);
      expect(packed).not.toBeNull();
      expect(unpackWords(packed!)).toEqual(output);
      expect(packed!.length).toBeLessThanOrEqual((output.length / 32) * 33);
    }),
  );
});

test.for([
  ["a small number", `0x${"00".repeat(31)}07`, "0x0107"],
  ["zero", `0x${"00".repeat(32)}`, "0x00"],
  ["text", `0x6162${"00".repeat(30)}`, "0x826162"],
  ["a full word", `0x${"ff".repeat(32)}`, `0x20${"ff".repeat(32)}`],
  ["bytes with zeros before and inside", `0x00ff${"00".repeat(29)}01`, `0x1fff${"00".repeat(29)}01`],
  ["nothing", "0x", "0x"],
])("packs %s", ([, output, packed]) => {
  expect(toHex(packWords(fromHex(output as string))!)).toBe(packed);
});

test("does not pack what is no whole number of words", () => {
  expect(packWords(new Uint8Array(32))).not.toBeNull();
  expect(packWords(new Uint8Array(33))).toBeNull();
});

test.for([
  ["a tag that counts more than a word", `0x21${"ff".repeat(33)}`],
  ["a tag of 64", `0x40${"ff".repeat(64)}`],
  ["a left tag that counts more than a word", `0xa1${"ff".repeat(33)}`],
  ["bytes that end early", "0x020f"],
  ["a tag at the very end", "0x010f01"],
])("refuses %s", ([, packed]) => {
  expect(codeOf(() => unpackWords(fromHex(packed as string)))).toBe("EVIDENCE_MALFORMED");
});

test("refuses or unpacks any bytes, and throws nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const code = codeOf(() => unpackWords(bytes));
      expect(["nothing thrown", "EVIDENCE_MALFORMED"]).toContain(code);
    }),
  );
});
