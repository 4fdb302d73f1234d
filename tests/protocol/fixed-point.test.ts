import fc from "fast-check";
import { expect, test } from "vitest";
import { formatFixed, parseFixed } from "../../protocol/fixed-point.ts";

test("what is written is read again, whatever the digits", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 255n), max: 2n ** 256n - 1n }), fc.nat(80), (value, decimals) => {
      expect(parseFixed(formatFixed(value, decimals), decimals)).toBe(value);
    }),
  );
});

test.for([
  ["0", 2, 0n],
  ["1", 2, 100n],
  ["1.5", 2, 150n],
  ["1.50", 2, 150n],
  ["-0.01", 2, -1n],
  ["12345678901234567890.123456789012345678", 18, 12345678901234567890123456789012345678n],
  ["7", 0, 7n],
] as const)("%s with %i decimals", ([text, decimals, value]) => {
  expect(parseFixed(text, decimals)).toBe(value);
});

test.for([
  ["a digit too many, though it is zero", "1.500", 2],
  ["a digit too many", "0.125", 2],
  ["a point where there are no decimals", "1.0", 0],
  ["minus zero", "-0", 2],
  ["minus zero with its decimals", "-0.00", 2],
  ["a plus", "+1", 2],
  ["a leading zero", "01", 2],
  ["no digit before the point", ".5", 2],
  ["no digit behind the point", "1.", 2],
  ["an exponent", "1e2", 2],
  ["a thousand's separator", "1,000", 2],
  ["a space", " 1", 2],
  ["nothing", "", 2],
] as const)("rounds nothing and refuses %s", ([, text, decimals]) => {
  expect(parseFixed(text, decimals)).toBeNull();
});
