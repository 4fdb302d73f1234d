import { expect, test } from "vitest";
import { decodeBase64Text, decodeHexText } from "../../../attestation/encoding/encoded-text.ts";

const BYTES = Uint8Array.of(0xfb, 0xef, 0xff, 0x00);

test.for(["fbefff00", "0xfbefff00", "FBEFFF00", " fbef\nff00 "])("reads the hex %j", (text) => {
  expect(decodeHexText(text)).toEqual(BYTES);
});

test.for(["++//AA==", "--__AA", "++//AA", "++//\nAA==\n", "--__AA=="])("reads the base64 %j", (text) => {
  expect(decodeBase64Text(text)).toEqual(BYTES);
});

test.for(["", "abc", "0x", "zz", "00 0x"])("%j is no hex, or of nothing", (text) => {
  expect(decodeHexText(text)?.length ?? 0).toBe(0);
});

test.for(["", "!", "AAAAA", "A=AA", "hello world."])("%j is no base64", (text) => {
  expect(decodeBase64Text(text)?.length ?? 0).toBe(0);
});
