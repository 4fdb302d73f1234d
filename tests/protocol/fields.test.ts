import { expect, test } from "vitest";
import * as z from "zod";
import * as fields from "../../protocol/fields.ts";

test.for([
  ["uint256", fields.uint256, 2n ** 256n],
  ["uint96", fields.uint96, 2n ** 96n],
  ["uint64", fields.uint64, 2n ** 64n],
  ["uint48", fields.uint48, 2n ** 48n],
  ["uint40", fields.uint40, 2n ** 40n],
] as const)("%s is a decimal string up to its last value", ([, codec, limit]) => {
  for (const value of [0n, 1n, limit - 1n]) {
    expect(z.decode(codec, value.toString())).toBe(value);
    expect(z.encode(codec, value)).toBe(value.toString());
  }
  expect(codec.safeDecode(limit.toString()).success).toBe(false);
  expect(codec.safeEncode(limit).success).toBe(false);
  expect(codec.safeEncode(-1n).success).toBe(false);
});

test.for(["", "-1", "+1", "01", "00", "1.0", "1e3", "0x1", " 1", "1\n", "9".repeat(79)])(
  "refuses %j as a wide integer",
  (text) => {
    expect(fields.uint256.safeDecode(text).success).toBe(false);
  },
);

test("refuses a JSON number where a wide integer is a string", () => {
  expect(z.safeParse(fields.uint64, 1).success).toBe(false);
});

test.for([
  ["uint32", fields.uint32, 0xffff_ffff],
  ["uint24", fields.uint24, 0xff_ffff],
  ["uint8", fields.uint8, 255],
] as const)("%s is a JSON number up to its last value", ([, schema, last]) => {
  expect([0, last].map((value) => schema.safeParse(value).success)).toEqual([true, true]);
  expect([-1, last + 1, 0.5, Number.NaN, "1"].map((value) => schema.safeParse(value).success)).toEqual(
    Array(5).fill(false),
  );
});

test.for([
  ["bytes32", fields.bytes32, 32],
  ["address", fields.address, 20],
  ["signature65", fields.signature65, 65],
] as const)("%s has exactly its length", ([, schema, length]) => {
  expect(schema.safeParse(`0x${"ab".repeat(length)}`).success).toBe(true);
  expect(schema.safeParse(`0x${"ab".repeat(length - 1)}`).success).toBe(false);
  expect(schema.safeParse(`0x${"ab".repeat(length + 1)}`).success).toBe(false);
  expect(schema.safeParse(`0x${"AB".repeat(length)}`).success).toBe(false);
});

test("bytes of any length are lower-case hex", () => {
  expect(fields.bytesHex.safeParse("0x").success).toBe(true);
  expect(fields.bytesHex.safeParse("0xA0").success).toBe(false);
  expect(fields.bytesHex.safeParse(null).error?.issues[0]?.message).toBe(
    "expected bytes as lower-case 0x hex",
  );
});
