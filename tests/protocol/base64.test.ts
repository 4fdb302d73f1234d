import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromBase64, fromBase64Url, toBase64, toBase64Url } from "../../protocol/base64.ts";
import { equalBytes } from "../../protocol/bytes.ts";
import { codeOf } from "../support/code-of.ts";

const isRead = (read: (text: string) => unknown, text: string): boolean =>
  codeOf(() => read(text)) === "nothing thrown";

test("is what others write and read", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
      expect(toBase64Url(bytes)).toBe(Buffer.from(bytes).toString("base64url"));
      return (
        equalBytes(fromBase64(toBase64(bytes)), bytes) && equalBytes(fromBase64Url(toBase64Url(bytes)), bytes)
      );
    }),
  );
});

describe.for([
  ["base64", fromBase64, toBase64, "+/="],
  ["base64url", fromBase64Url, toBase64Url, "-_"],
] as const)("%s", ([, from, to, rest]) => {
  const alphabet = Array.from(`ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789${rest}`);

  test("has one spelling for each string of bytes", () => {
    const texts = ["A", "AA", "AAA"].flatMap((head) =>
      alphabet.flatMap((last) => ["", "=", "=="].map((padding) => `${head}${last}${padding}`)),
    );
    const read = texts.filter((text) => isRead(from, text));
    expect(read.length).toBeGreaterThan(64);
    for (const text of read) expect(to(from(text))).toBe(text);
  });

  test.for([
    ["a digit alone", "A"],
    ["a character of no alphabet", "AQ*A"],
    ["white space", "AQID\n"],
    ["a letter beyond ASCII", "AQIé"],
    ["padding alone", "===="],
    ["padding inside", "AQ==AQ=="],
  ] as const)("refuses %s", ([, text]) => {
    expect(codeOf(() => from(text))).toBe("INPUT_INVALID");
  });

  test("of nothing is nothing", () => {
    expect(from("")).toHaveLength(0);
    expect(to(new Uint8Array())).toBe("");
  });
});

test.for([
  ["base64 without its padding", fromBase64, "AQ"],
  ["base64 with a stray bit before two signs of padding", fromBase64, "AR=="],
  ["base64 with a stray bit before one sign of padding", fromBase64, "AQJ="],
  ["base64 in the other alphabet", fromBase64, "-_-_"],
  ["base64url with padding", fromBase64Url, "AQ=="],
  ["base64url with a stray bit in the second character", fromBase64Url, "AR"],
  ["base64url with a stray bit in the third character", fromBase64Url, "AQJ"],
  ["base64url in the other alphabet", fromBase64Url, "+/+/"],
] as const)("refuses %s", ([, from, text]) => {
  expect(codeOf(() => from(text))).toBe("INPUT_INVALID");
});
