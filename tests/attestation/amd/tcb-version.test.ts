import { describe, expect, test } from "vitest";
import { isCpuidOf, toProductLine } from "../../../attestation/amd/product.ts";
import { fromSnpTcb, isSameTcb, toSnpTcb, type SnpTcb } from "../../../attestation/amd/tcb-version.ts";

const MILAN = Uint8Array.of(4, 1, 0, 0, 0, 0, 24, 219);
const TURIN = Uint8Array.of(9, 4, 1, 24, 0, 0, 0, 219);
const LEVELS: SnpTcb = { fmc: null, bootLoader: 4, tee: 1, snp: 24, microcode: 219 };

describe("TCB_VERSION", () => {
  test("is laid out by product", () => {
    expect(toSnpTcb(MILAN, "Milan")).toEqual(LEVELS);
    expect(toSnpTcb(MILAN, "Genoa")).toEqual(LEVELS);
    expect(toSnpTcb(TURIN, "Turin")).toEqual({ ...LEVELS, fmc: 9 });
  });

  test("survives the way there and back", () => {
    expect([fromSnpTcb(toSnpTcb(MILAN, "Milan")), fromSnpTcb(toSnpTcb(TURIN, "Turin"))]).toEqual([
      MILAN,
      TURIN,
    ]);
  });

  test("equals what a certificate asserts, reserved bytes zero", () => {
    expect(isSameTcb(MILAN, LEVELS)).toBe(true);
    for (const [index, byte] of MILAN.entries())
      expect(isSameTcb(MILAN.with(index, byte + 1), LEVELS)).toBe(false);
  });
});

test.for([
  ["Milan", "Milan"],
  ["Milan-B0", "Milan"],
  ["Genoa", "Genoa"],
  ["Genoa-B1", "Genoa"],
  ["Bergamo", "Genoa"],
  ["Siena", "Genoa"],
  ["Turin", "Turin"],
  ["Milan-", undefined],
  ["Milan-B00", undefined],
  ["milan", undefined],
  ["", undefined],
  ["Rome", undefined],
] as const)("product name %s is of line %s", ([name, line]) => {
  expect(toProductLine(name)).toBe(line);
});

test.for([
  ["Milan", 0x19, 0x01, true],
  ["Milan", 0x19, 0x10, false],
  ["Genoa", 0x19, 0x11, true],
  ["Genoa", 0x19, 0xa0, true],
  ["Genoa", 0x19, 0x20, false],
  ["Genoa", 0x1a, 0x11, false],
  ["Turin", 0x1a, 0x02, true],
  ["Turin", 0x1a, 0x11, true],
  ["Turin", 0x1a, 0x20, false],
] as const)("CPUID of %s: family %i, model %i: %s", ([line, family, model, expected]) => {
  expect(isCpuidOf(line, { family, model })).toBe(expected);
});
