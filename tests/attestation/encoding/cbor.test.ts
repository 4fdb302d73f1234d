import { encode, rfc8949EncodeOptions } from "cborg";
import { describe, expect, test } from "vitest";
import { decodeCbor, isBytes, isMap, type CborLimits } from "../../../attestation/encoding/cbor.ts";
import { fromHex, type Hex } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";

const LIMITS: CborLimits = { maxBytes: 1_048_576, maxDepth: 4, maxItems: 100, containers: "definite" };
const INDEFINITE: CborLimits = { ...LIMITS, containers: "definite-or-indefinite" };

describe("decodes", () => {
  test.for([
    ["an integer", "0x1903e8", 1000],
    ["a negative integer", "0x3822", -35],
    ["an integer of 64 bits", "0x1b1000000000000000", 2n ** 60n],
    ["a byte string", "0x420102", Uint8Array.of(1, 2)],
    ["text", "0x6161", "a"],
    ["null", "0xf6", null],
    ["a boolean", "0xf5", true],
    ["an empty array", "0x80", []],
    ["nested arrays", "0x8181818101", [[[[1]]]]],
    ["an empty array in an array", "0x828001", [[], 1]],
  ] as const)("%s", ([, hex, value]) => {
    expect(decodeCbor(fromHex(hex), LIMITS)).toEqual(value);
  });

  test("a map, with keys of any kind", () => {
    const map = decodeCbor(
      encode(
        new Map<unknown, unknown>([
          [1, 2],
          ["a", null],
        ]),
        rfc8949EncodeOptions,
      ),
      LIMITS,
    );
    expect(isMap(map) && [...map]).toEqual([
      [1, 2],
      ["a", null],
    ]);
  });

  test.for([
    ["an array", "0x9f01ff", [1]],
    ["an array in an array", "0x819f9fff01ff", [[[], 1]]],
  ] as const)("%s of indefinite length, where that is allowed", ([, hex, value]) => {
    expect(decodeCbor(fromHex(hex), INDEFINITE)).toEqual(value);
  });

  test("a map of indefinite length, where that is allowed", () => {
    expect(decodeCbor(fromHex("0xbf0102ff"), INDEFINITE)).toEqual(new Map([[1, 2]]));
  });

  test("and tells bytes from everything else", () => {
    expect([isBytes(Uint8Array.of(1)), isBytes("a"), isBytes(undefined), isMap(null)]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});

describe("refuses", () => {
  test.for<readonly [string, Hex]>([
    ["nothing", "0x"],
    ["bytes after the item", "0x0101"],
    ["an integer that is not in its shortest form", "0x1801"],
    ["an integer that ends early", "0x19ff"],
    ["a byte string that ends early", "0x4401"],
    ["text that ends early", "0x7a0000ffff61"],
    ["an array that ends early", "0x8201"],
    ["a map that ends early", "0xa101"],
    ["a map with one key twice", "0xa201000101"],
    ["a tag", "0xc101"],
    ["undefined", "0xf7"],
    ["NaN", "0xf97e00"],
    ["infinity", "0xf97c00"],
    ["an array of indefinite length", "0x9f01ff"],
    ["a map of indefinite length", "0xbfff"],
    ["a byte string in chunks", "0x5f4101ff"],
    ["a reserved length", "0x1c"],
    ["a break where nothing is open", "0xff"],
    ["five levels", "0x818181818101"],
  ])("%s", ([, hex]) => {
    expect(codeOf(() => decodeCbor(fromHex(hex), LIMITS))).toBe("EVIDENCE_MALFORMED");
  });

  test.for<readonly [string, Hex]>([
    ["a byte string in chunks", "0x5f4101ff"],
    ["an array that no break ends", "0x9f01"],
    ["a map of indefinite length with a key and no value", "0xbf01ff"],
    ["a break inside an array of definite length", "0x82ff"],
  ])("%s, where indefinite lengths are allowed", ([, hex]) => {
    expect(codeOf(() => decodeCbor(fromHex(hex), INDEFINITE))).toBe("EVIDENCE_MALFORMED");
  });

  const MEGABYTE = 1_048_576;
  test.for<readonly [string, Uint8Array]>([
    ["a megabyte of nested arrays", new Uint8Array(MEGABYTE).fill(0x81)],
    ["a megabyte of nested arrays of indefinite length", new Uint8Array(MEGABYTE).fill(0x9f)],
    ["a megabyte of nested maps", new Uint8Array(MEGABYTE).fill(0xa1)],
    ["a megabyte of items", Uint8Array.from([0x9a, 0x00, 0x0f, 0xff, 0xfb, ...new Uint8Array(MEGABYTE - 5)])],
    ["an array that claims 2^64 items", fromHex("0x9bffffffffffffffff01")],
    ["a map that claims 2^63 pairs", fromHex("0xbb7fffffffffffffff01")],
    ["a byte string that claims 2^63 bytes", fromHex("0x5b7fffffffffffffff01")],
    ["more than the limit", new Uint8Array(MEGABYTE + 1)],
  ])("%s, at once", ([, bytes]) => {
    const start = performance.now();
    expect(codeOf(() => decodeCbor(bytes, INDEFINITE))).toBe("EVIDENCE_MALFORMED");
    // Generous: a recursive or quadratic reader takes minutes, or the stack.
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
