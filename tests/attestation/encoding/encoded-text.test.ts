import { expect, test } from "vitest";
import { decodeBase64Text, decodeHexText } from "../../../attestation/encoding/encoded-text.ts";

const BYTES = Uint8Array.of(0xfb, 0xef, 0xff, 0x00);

test.for([
  "fbefff00",
  "0xfbefff00",
  "0XFBEFFF00",
  "FBEFFF00",
  " fbef\nff00 ",
  "fb:ef:ff:00",
  "FB:EF:\nFF:00\n",
])("reads the hex %j", (text) => {
  expect(decodeHexText(text)).toEqual(BYTES);
});

test.for(["++//AA==", "--__AA", "++//AA", "++//\nAA==\n", "--__AA==", "++//AA =\n= "])(
  "reads the base64 %j",
  (text) => {
    expect(decodeBase64Text(text)).toEqual(BYTES);
  },
);

test.for(["", "abc", "0x", "zz", "00 0x", "f:b", ":fb", "0x:fb"])("%j is no hex, or of nothing", (text) => {
  expect(decodeHexText(text)?.length ?? 0).toBe(0);
});

test.for(["", "!", "AAAAA", "A=AA", "hello world."])("%j is no base64", (text) => {
  expect(decodeBase64Text(text)?.length ?? 0).toBe(0);
});

test("megabytes that only begin as hex or base64 does are neither, and end at once", () => {
  const before = process.cpuUsage().user;
  for (const text of [
    "aa:".repeat(5_000_000),
    `${"aa:".repeat(300_000)}zz`,
    `aa:${" ".repeat(1_000_000)}z`,
    `A${" ".repeat(1_000_000)}!`,
    `A${"=".repeat(1_000_000)}A`,
    `A=${" ".repeat(1_000_000)}=${" ".repeat(1_000_000)}A`,
  ]) {
    expect(decodeHexText(text)).toBeUndefined();
    expect(decodeBase64Text(text)).toBeUndefined();
  }
  expect(process.cpuUsage().user - before).toBeLessThan(5_000_000);
});
