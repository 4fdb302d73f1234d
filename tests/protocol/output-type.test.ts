import { ParamType } from "ethers";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as p from "../../protocol/index.ts";
import { codeOf } from "../support/code-of.ts";
import { spellOutputType, outputType } from "../support/output-arbitraries.ts";

describe("the grammar", () => {
  test("reads every part of a field", () => {
    expect(
      p.parseOutputType('( bool\tflagged,uint8 severity 0..10 "0 harmless, 10 dangerous",string\nreason )'),
    ).toEqual({
      fields: [
        { name: "flagged", base: { kind: "bool" }, arrays: [], bounds: null, description: null },
        {
          name: "severity",
          base: { kind: "integer", signed: false, bits: 8 },
          arrays: [],
          bounds: { min: 0n, max: 10n },
          description: "0 harmless, 10 dangerous",
        },
        {
          name: "reason",
          base: { kind: "string", maxBytes: null },
          arrays: [],
          bounds: null,
          description: null,
        },
      ],
    });
  });

  test("reads the length of a string, and fixed-point numbers with scaled bounds", () => {
    const type = p.parseOutputType(
      "(string<=200 why, string <= 9[] tags, ufixed64x2 odds 0.25..1, fixed8x1 t -1.5..0)",
    );
    expect(type.fields.map(({ base, bounds }) => ({ base, bounds }))).toEqual([
      { base: { kind: "string", maxBytes: 200 }, bounds: null },
      { base: { kind: "string", maxBytes: 9 }, bounds: null },
      { base: { kind: "fixed", signed: false, bits: 64, decimals: 2 }, bounds: { min: 25n, max: 100n } },
      { base: { kind: "fixed", signed: true, bits: 8, decimals: 1 }, bounds: { min: -15n, max: 0n } },
    ]);
    expect(p.solidityTypes(type)).toBe("(string,string[],uint64,int8)");
  });

  test("reads arrays inner to outer, and bounds of an array's integers", () => {
    const [field] = p.parseOutputType("(int16[2][] grid -5..5)").fields;
    expect(field).toMatchObject({ arrays: [2, null], bounds: { min: -5n, max: 5n } });
    expect(p.solidityTypes(p.parseOutputType("(int16[2][] grid -5..5)"))).toBe("(int16[2][])");
  });

  test("whatever is written in the grammar is read as it was meant, wherever the spaces stand", () => {
    fc.assert(
      fc.property(
        outputType,
        fc.array(fc.constantFrom("", " ", "\n\t"), { minLength: 1, maxLength: 9 }),
        (type, spaces) => {
          const text = spellOutputType(type, spaces);
          fc.pre(p.toUtf8(text).length <= p.MAX_OUTPUT_TYPE_BYTES);
          expect(p.parseOutputType(text)).toEqual(type);
        },
      ),
    );
  });

  test("the Solidity types are those that ethers reads", () => {
    fc.assert(
      fc.property(outputType, (type) => {
        const types = p.solidityTypes(type);
        expect(ParamType.from(types).format("sighash")).toBe(types);
      }),
    );
  });
});

test.for([
  ["nothing", ""],
  ["no brackets", "bool a"],
  ["no fields", "()"],
  ["a comma too many", "(bool a,)"],
  ["a missing comma", "(bool a bool b)"],
  ["an open end", "(bool a"],
  ["something after the end", "(bool a) b"],
  ["no name", "(bool)"],
  ["a name that begins with a digit", "(bool 1a)"],
  ["a name that begins with an underscore", "(bool _a)"],
  ["two fields of one name", "(bool a, string a)"],
  ["an unknown type", "(float a)"],
  ["uint without its bits", "(uint a)"],
  ["uint of odd bits", "(uint7 a)"],
  ["uint past 256 bits", "(uint264 a)"],
  ["uint0", "(uint0 a)"],
  ["bits with a leading zero", "(uint08 a)"],
  ["bytes0", "(bytes0 a)"],
  ["bytes33", "(bytes33 a)"],
  ["bounds on a string", "(string a 0..1)"],
  ["a string of no bytes", "(string<=0 a)"],
  ["a string longer than any output", "(string<=65537 a)"],
  ["a string of half a byte", "(string<=1.5 a)"],
  ["a string whose length is missing", "(string<= a)"],
  ["a length with a leading zero", "(string<=09 a)"],
  ["a length of bytes", "(bytes<=9 a)"],
  ["fixed without its sizes", "(fixed a)"],
  ["fixed without its decimals", "(fixed128 a)"],
  ["fixed of odd bits", "(fixed7x2 a)"],
  ["fixed past 256 bits", "(ufixed264x2 a)"],
  ["fixed of no decimals", "(ufixed64x0 a)"],
  ["fixed of 81 decimals", "(ufixed64x81 a)"],
  ["a bound with more digits than the type", "(ufixed64x2 a 0..0.125)"],
  ["a fixed bound past the type", "(ufixed8x2 a 0..2.56)"],
  ["a bound of an integer with a point", "(uint8 a 0..1.0)"],
  ["a bound of minus zero", "(int8 a -0..1)"],
  ["a bound with a leading zero", "(uint8 a 00..1)"],
  ["an array of half a length", "(bool[1.5] a)"],
  ["bounds the wrong way round", "(uint8 a 2..1)"],
  ["bounds past the type", "(uint8 a 0..256)"],
  ["bounds below the type", "(uint8 a -1..1)"],
  ["bounds past a signed type", "(int8 a -129..0)"],
  ["half a bound", "(uint8 a 1..)"],
  ["one bound", "(uint8 a 1)"],
  ["a bound that is a word", "(uint8 a 1..b)"],
  ["an array of length 0", "(bool[0] a)"],
  ["an array of length 257", "(bool[257] a)"],
  ["an array of negative length", "(bool[-1] a)"],
  ["an unclosed array", "(bool[2 a)"],
  ["five dimensions", "(bool[][][][][] a)"],
  ["a description without its end", '(bool a "why)'],
  ["a newline in a description", '(bool a "w\ny")'],
  ["a description before the bounds", '(uint8 a "why" 0..1)'],
  ["a sign that is no token", "(bool a;)"],
  ["a name from another alphabet", "(bool å)"],
] as const)("refuses %s", ([, text]) => {
  expect(codeOf(() => p.parseOutputType(text))).toBe("INPUT_INVALID");
});

describe("limits", () => {
  const nested = (depth: number): string => `${"(".repeat(depth)}bool a${") a".repeat(depth - 1)})`;
  const wide = (fields: number): string =>
    `(${Array.from({ length: fields }, (_, i) => `bool a${i}`).join(",")})`;
  const long = (bytes: number): string => `(bool a "${"x".repeat(bytes - 11)}")`;

  test.for([
    ["nests", nested, p.MAX_OUTPUT_TYPE_DEPTH],
    ["has fields", wide, p.MAX_TUPLE_FIELDS],
    ["has bytes", long, p.MAX_OUTPUT_TYPE_BYTES],
  ] as const)("a type %s up to the limit and no further", ([, make, limit]) => {
    expect(() => p.parseOutputType(make(limit))).not.toThrow();
    expect(codeOf(() => p.parseOutputType(make(limit + 1)))).toBe("INPUT_TOO_LARGE");
  });

  test("bytes are counted, not characters", () => {
    expect(codeOf(() => p.parseOutputType(`(bool a "${"é".repeat(1_024)}")`))).toBe("INPUT_TOO_LARGE");
  });

  test.for([
    [
      "(uint8 a 0..255)",
      "(uint256 a 0..115792089237316195423570985008687907853269984665640564039457584007913129639935)",
    ],
    ["(int8 a -128..127)", "(bytes32 a)"],
    ["(bool[256] a)", "(bytes1 a)"],
    ["(string<=65536 a)", "(string<=1 a)"],
    ["(ufixed8x2 a 0..2.55)", "(fixed256x80 a)"],
  ])("takes %s and %s, at the edges of their types", (texts) => {
    for (const text of texts) expect(() => p.parseOutputType(text)).not.toThrow();
  });
});

test("any text is read or refused in our taxonomy", () => {
  const fragments = fc.constantFrom(
    "(",
    ")",
    "[",
    "]",
    ",",
    "..",
    "bool",
    "uint8",
    "string",
    "<=",
    "fixed8x1",
    "0.5",
    " a",
    '"',
    "-1",
    "9",
    "\u{1f600}",
    " ",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(fragments).map((parts) => parts.join("")),
        fc.string({ unit: "binary" }),
      ),
      (text) => {
        expect(["INPUT_INVALID", "INPUT_TOO_LARGE", "nothing thrown"]).toContain(
          codeOf(() => p.parseOutputType(text)),
        );
      },
    ),
    { numRuns: 500 },
  );
});
