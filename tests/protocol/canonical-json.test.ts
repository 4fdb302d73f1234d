import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromUtf8, toUtf8 } from "../../protocol/bytes.ts";
import {
  encodeCanonicalJson,
  parseCanonicalJson,
  parseJson,
  type Json,
} from "../../protocol/canonical-json.ts";
import { MAX_JSON_DEPTH } from "../../protocol/limits.ts";
import { codeOf } from "../support/code-of.ts";
import { jsonValue } from "../support/protocol-arbitraries.ts";

const canonical = (value: unknown): string => fromUtf8(encodeCanonicalJson(value as Json));

describe("RFC 8785's own examples", () => {
  test("section 3.2.2: literals, numbers and strings", () => {
    const source =
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],' +
      '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}';
    expect(canonical(JSON.parse(source))).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  test("section 3.2.3: keys in the order of their UTF-16 code units", () => {
    const source = {
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis",
    };
    expect(Object.values(JSON.parse(canonical(source)) as object)).toHaveLength(7);
    expect([...canonical(source).matchAll(/"(?:One|[A-Z][^"]+)"/g)].map(([value]) => value)).toEqual([
      '"Carriage Return"',
      '"One"',
      '"Control"',
      '"Latin Small Letter O With Diaeresis"',
      '"Euro Sign"',
      '"Emoji: Grinning Face"',
      '"Hebrew Letter Dalet With Dagesh"',
    ]);
  });

  test.for([
    [0, "0"],
    [-0, "0"],
    [5e-324, "5e-324"],
    [1.7976931348623157e308, "1.7976931348623157e+308"],
    [9007199254740992, "9007199254740992"],
    [295147905179352830000, "295147905179352830000"],
    [1e21, "1e+21"],
    [333333333.33333325, "333333333.33333325"],
    [-0.0000033333333333333333, "-0.0000033333333333333333"],
  ] as const)("appendix B: %s is written %s", ([value, text]) => {
    expect(canonical(value)).toBe(text);
  });
});

test("parsing what was encoded is the identity", () => {
  fc.assert(
    fc.property(jsonValue, (value) => {
      const bytes = encodeCanonicalJson(value);
      expect(encodeCanonicalJson(parseCanonicalJson(bytes))).toEqual(bytes);
    }),
  );
});

test("the order in which keys were written does not show", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.integer()), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).reverse());
      expect(encodeCanonicalJson(reversed)).toEqual(encodeCanonicalJson(value));
    }),
  );
});

test.for([
  ["a space", '{"a": 1}'],
  ["a newline at the end", '{"a":1}\n'],
  ["another order of keys", '{"b":1,"a":2}'],
  ["a key given twice", '{"a":1,"a":1}'],
  ["an escape that need not be", '"\\u0041"'],
  ["an escaped slash", '"\\/"'],
  ["an upper-case escape", '"\\u000F"'],
  ["a number with a trailing zero", "[1.0]"],
  ["an exponent that need not be", "[1e2]"],
  ["a plus sign in no exponent's place", "[1E+30]"],
  ["minus zero", "[-0]"],
  ["more digits than a double holds", "[333333333.33333329]"],
] as const)("refuses %s", ([, text]) => {
  expect(() => parseJson(toUtf8(text))).not.toThrow();
  expect(codeOf(() => parseCanonicalJson(toUtf8(text)))).toBe("INPUT_INVALID");
});

test("refuses whitespace wherever it may stand", () => {
  const bytes = encodeCanonicalJson([1, [2, -3], [], {}, null, true]);
  for (let at = 0; at <= bytes.length; at++) {
    for (const space of [" ", "\t", "\n", "\r"]) {
      const text = fromUtf8(bytes.subarray(0, at)) + space + fromUtf8(bytes.subarray(at));
      expect(codeOf(() => parseCanonicalJson(toUtf8(text)))).toBe("INPUT_INVALID");
    }
  }
});

test.for([
  ["a byte order mark", [0xef, 0xbb, 0xbf, 0x31]],
  ["bytes that are not UTF-8", [0x22, 0xff, 0x22]],
  ["nothing", []],
  ["two values", [0x31, 0x20, 0x31]],
  ["a comment", [...toUtf8("1//")]],
] as const)("refuses %s as JSON of any form", ([, bytes]) => {
  expect(codeOf(() => parseJson(new Uint8Array(bytes)))).toBe("INPUT_INVALID");
});

const cycle: unknown[] = [];
cycle.push(cycle);

test.for([
  ["NaN", Number.NaN],
  ["infinity", [Number.POSITIVE_INFINITY]],
  ["a lone surrogate", "\ud800"],
  ["a lone surrogate in a key", { "\udc00": 1 }],
  ["a bigint", 1n],
  ["a function", () => 1],
  ["undefined", undefined],
  ["a cycle", cycle],
] as const)("has no form for %s", ([, value]) => {
  expect(codeOf(() => encodeCanonicalJson(value as Json))).toBe("INPUT_INVALID");
});

describe("nesting", () => {
  const nested = (depth: number, open: string, close: string): Uint8Array =>
    toUtf8(open.repeat(depth) + "0" + close.repeat(depth));

  test.for([
    ["arrays", "[", "]"],
    ["objects", '{"a":', "}"],
  ] as const)("takes %s as deep as the limit and refuses one more", ([, open, close]) => {
    expect(() => parseJson(nested(MAX_JSON_DEPTH, open, close))).not.toThrow();
    expect(codeOf(() => parseJson(nested(MAX_JSON_DEPTH + 1, open, close)))).toBe("INPUT_INVALID");
  });

  test("does not count brackets inside strings, nor many side by side", () => {
    const text = JSON.stringify(["[".repeat(500), '\\"[['.repeat(200), ...Array<number[]>(500).fill([])]);
    expect(() => parseJson(toUtf8(text))).not.toThrow();
  });

  test("ends a megabyte of brackets at once", () => {
    expect(codeOf(() => parseJson(toUtf8("[".repeat(1 << 20))))).toBe("INPUT_INVALID");
    expect(codeOf(() => parseJson(toUtf8('"\\"'.repeat(1 << 18))))).toBe("INPUT_INVALID");
  });
});

test("mutated JSON is parsed or refused, never anything else", () => {
  fc.assert(
    fc.property(jsonValue, fc.nat(), fc.nat(255), (value, at, byte) => {
      const bytes = encodeCanonicalJson(value);
      bytes[at % bytes.length] = byte;
      expect(["INPUT_INVALID", "nothing thrown"]).toContain(codeOf(() => parseCanonicalJson(bytes)));
    }),
  );
});
