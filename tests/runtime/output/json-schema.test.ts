import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseExactJson } from "../../../runtime/output/exact-json.ts";
import { checkJsonSchema } from "../../../runtime/output/json-schema.ts";
import { findSchemaProblem } from "../../../runtime/output/schema-validation.ts";
import type { Json } from "../../../protocol/canonical-json.ts";
import { codeOf } from "../../support/code-of.ts";

const checked = (schema: Json): string =>
  codeOf(() => {
    checkJsonSchema(schema);
  });

const problemOf = (schema: Json, value: Json): string | null =>
  findSchemaProblem(parseExactJson(JSON.stringify(schema)), parseExactJson(JSON.stringify(value)));

const UNCHECKED = "the answer is too long or nests too deep to be checked";

describe("a JSON Schema", () => {
  const tree: Json = {
    $ref: "#/$defs/node",
    $defs: {
      node: {
        type: "object",
        properties: { children: { type: "array", items: { $ref: "#/$defs/node" } } },
        required: ["children"],
        additionalProperties: false,
      },
    },
  };

  test.for([
    ["an empty schema", {}],
    [
      "words for people",
      { title: "t", description: "d", $comment: "c", examples: [1], default: 2, $schema: "s" },
    ],
    ["several types", { type: ["string", "null"] }],
    ["a definition that contains itself", tree],
    ["a schema for other members", { type: "object", additionalProperties: { type: "number" } }],
  ] as const)("is taken with %s", ([, schema]) => {
    expect(checked(schema)).toBe("nothing thrown");
  });

  test.for([
    ["a list", []],
    ["a regular expression", { pattern: "(a+)+$" }],
    ["a format", { format: "email" }],
    ["a rule that we do not know", { uniqueItems: true }],
    ["an unknown rule deep inside", { properties: { a: { items: { anyOf: [{ not: {} }] } } } }],
    ["a type that does not exist", { type: "tuple" }],
    ["a count that is none", { minItems: -1 }],
    ["a limit that is no number", { maximum: "9" }],
    ["an empty choice", { enum: [] }],
    ["alternatives of none", { anyOf: [] }],
    ["required members that are no names", { required: [1] }],
    ["properties that are a list", { properties: [] }],
    ["a $ref to elsewhere", { $ref: "https://example.com/schema" }],
    ["a $ref to nothing", { $ref: "#/$defs/none", $defs: {} }],
    ["a $ref to a member of every object", { $ref: "#/$defs/constructor", $defs: {} }],
    ["rules beside a $ref", { $ref: "#/$defs/a", type: "string", $defs: { a: {} } }],
    ["a definition that is itself", { $ref: "#/$defs/a", $defs: { a: { anyOf: [{ $ref: "#/$defs/a" }] } } }],
    [
      "two definitions that are each other",
      { $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } } },
    ],
    ["definitions outside the root", { items: { $defs: {} } }],
    ["nesting without end", deep(40)],
  ] as const)("is refused with %s", ([, schema]) => {
    expect(checked(schema)).toBe("INPUT_INVALID");
  });

  test.for([
    ["an exclusive limit met", { exclusiveMinimum: 0, exclusiveMaximum: 2 }, 1, null],
    ["an exclusive limit reached", { exclusiveMinimum: 0 }, 0, "$ must be more than 0"],
    ["the other exclusive limit reached", { exclusiveMaximum: 0 }, 0, "$ must be less than 0"],
    ["a whole number for an integer", { type: "integer" }, 2, null],
    ["a fraction for an integer", { type: "integer" }, 2.5, "$ must be integer, not number"],
    ["characters, not code units", { maxLength: 1 }, "😀", null],
    ["a character too many", { maxLength: 1 }, "ab", "$ takes at most 1 characters"],
    ["an object as a constant", { const: { a: [1, null] } }, { a: [1, null] }, null],
    ["another object as a constant", { const: { a: [1, null] } }, { a: [1] }, '$ must be {"a":[1,null]}'],
    ["a constant with a member more", { const: {} }, { a: 1 }, "$ must be {}"],
    ["one of several alternatives", { anyOf: [{ type: "null" }, { minimum: 3 }] }, 3, null],
    [
      "none of several alternatives",
      { anyOf: [{ type: "null" }, { minimum: 3 }] },
      2,
      "$ fits none of the alternatives",
    ],
    ["other members that fit", { additionalProperties: { type: "number" } }, { a: 1 }, null],
    [
      "other members that do not",
      { additionalProperties: { type: "number" } },
      { a: "1" },
      "$.a must be number, not string",
    ],
    ["a member that only the prototype has", { required: ["toString"] }, {}, "$.toString is missing"],
    ["a list that is too long", { maxItems: 1 }, [1, 2], "$ takes at most 1 items"],
    ["an item that does not fit", { items: { enum: ["a"] } }, ["a", "b"], '$[1] must be one of ["a"]'],
    ["a tree", tree, { children: [{ children: [] }] }, null],
    [
      "a tree with a wrong leaf",
      tree,
      { children: [{ children: [{}] }] },
      "$.children[0].children[0].children is missing",
    ],
  ] as const)("judges %s", ([, schema, value, problem]) => {
    expect(checked(schema)).toBe("nothing thrown");
    expect(problemOf(schema, value)).toBe(problem);
  });

  test("takes references and alternatives that follow one another up to sixteen, and no more", () => {
    const chain = (length: number): Json => ({
      $ref: "#/$defs/a0",
      $defs: Object.fromEntries(
        Array.from({ length }, (_, at) => [
          `a${at}`,
          at === length - 1 ? { type: "string" } : { $ref: `#/$defs/a${at + 1}` },
        ]),
      ),
    });
    expect(checked(chain(15))).toBe("nothing thrown");
    expect(problemOf(chain(15), 1)).toBe("$ must be string, not number");
    expect(checked(chain(16))).toBe("INPUT_INVALID");
    expect(checked(chain(1_800))).toBe("INPUT_INVALID");
    const nested = (levels: number): Json => (levels === 0 ? {} : { anyOf: [nested(levels - 1)] });
    expect(checked(nested(16))).toBe("INPUT_INVALID");
  });

  test("finishes with the deepest answer under the longest chain of references", () => {
    const schema = {
      $ref: "#/$defs/a0",
      $defs: {
        ...Object.fromEntries(
          Array.from({ length: 6 }, (_, at) => [`a${at}`, { anyOf: [{ $ref: `#/$defs/a${at + 1}` }] }]),
        ),
        a6: { type: "array", items: { $ref: "#/$defs/a0" } },
      },
    };
    const answer = (levels: number): Json => JSON.parse("[".repeat(levels) + "]".repeat(levels)) as Json;
    expect(checked(schema)).toBe("nothing thrown");
    expect(problemOf(schema, answer(60))).toBeNull();
    expect(problemOf(schema, answer(128))).toBe(UNCHECKED);
  });

  test("gives up on what would take billions of steps, and fits no alternative then", () => {
    const schema: Json = { items: { anyOf: Array.from({ length: 5_000 }, (_, at) => ({ const: at })) } };
    const value = Array.from({ length: 5_000 }, () => 4_999);
    expect(problemOf(schema, value)).toBe(UNCHECKED);
    expect(problemOf(schema, value.slice(0, 10))).toBeNull();
    expect(problemOf({ anyOf: [schema, {}] }, value)).toBe(UNCHECKED);
  });

  test("looks a string up in a long enum at once", () => {
    const schema: Json = { items: { enum: Array.from({ length: 5_000 }, (_, at) => `choice ${at}`) } };
    expect(
      problemOf(
        schema,
        Array.from({ length: 5_000 }, () => "choice 4999"),
      ),
    ).toBeNull();
  });

  test("looks a number up in a long enum at once, by its value", () => {
    const schema: Json = { items: { enum: Array.from({ length: 5_000 }, (_, at) => at) } };
    const problem = (value: string): string | null =>
      findSchemaProblem(parseExactJson(JSON.stringify(schema)), parseExactJson(value));
    expect(problem(`[${Array.from({ length: 5_000 }, () => "49.990e2").join(",")}]`)).toBeNull();
    expect(problem("[5000]")).toMatch(/^\$\[0\] must be one of \[0,1,2,/);
  });

  test("charges for each number that it reads: a list of 30,000 is not gone through", () => {
    const numbers = Array.from({ length: 30_000 }, (_, at) => at);
    expect(problemOf({ enum: numbers }, 1)).toBe(UNCHECKED);
    expect(problemOf({ enum: numbers.map((number) => [number]) }, [-1])).toBe(UNCHECKED);
  });

  test("refuses before asking what would be too long to check an answer by: more than 10,000 values", () => {
    const choices = (count: number): Json => ({ enum: Array.from({ length: count }, (_, at) => at) });
    expect(checked(choices(9_998))).toBe("nothing thrown");
    expect(problemOf(choices(9_998), -1)).toMatch(/^\$ must be one of \[0,1,2,/);
    expect(checked(choices(9_999))).toBe("INPUT_INVALID");
    expect(checked({ const: Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => 0)) })).toBe(
      "INPUT_INVALID",
    );
    expect(checked({ default: Array.from({ length: 10_000 }, () => ({})) })).toBe("INPUT_INVALID");
  });

  test("puts no more of a choice into words than a message has room for", () => {
    const problem = problemOf({ const: { a: ["x", 1, null, true], b: { c: "y".repeat(9_000) } } }, 0);
    expect(problem).toHaveLength(601);
    expect(problem).toMatch(/^\$ must be \{"a":\["x",1,null,true\],"b":\{"c":"yyy/);
    expect(problemOf({ const: { a: [], b: {} } }, 0)).toBe('$ must be {"a":[],"b":{}}');
  });

  test("puts no alternative's problem into words: a thousand long constants cost their comparison", () => {
    const long = "x".repeat(30_000);
    const schema: Json = {
      type: "array",
      items: { anyOf: [...Array.from({ length: 200 }, () => ({ const: long })), { type: "integer" }] },
    };
    expect(
      problemOf(
        schema,
        Array.from({ length: 400 }, () => 0),
      ),
    ).toBeNull();
    expect(problemOf({ const: long }, 0)).toHaveLength(601);
  });

  test.for([
    ["a fraction beyond a maximum", '{"maximum":10}', "10.0000000000000000001", "$ must be at most 10"],
    ["a fraction below a minimum", '{"minimum":1}', "0.99999999999999999999", "$ must be at least 1"],
    [
      "the constant's neighbour",
      '{"const":9007199254740993}',
      "9007199254740992",
      "$ must be 9007199254740993",
    ],
    ["the constant itself", '{"const":9007199254740993}', "9007199254740993", null],
    ["another spelling of the constant", '{"const":100}', "1.00e2", null],
    ["an integer with zeros behind the point", '{"type":"integer"}', "12345678901234567890.0", null],
    [
      "a fraction that doubles round away",
      '{"type":"integer"}',
      "9007199254740992.5",
      "$ must be integer, not number",
    ],
    ["a value beyond every double", '{"maximum":1e400}', "1e401", "$ must be at most 0.1e401"],
    ["minus zero", '{"enum":[0]}', "-0.0", null],
  ] as const)("compares digits: %s", ([, schema, value, problem]) => {
    expect(findSchemaProblem(parseExactJson(schema), parseExactJson(value))).toBe(problem);
  });

  test("throws nothing but refusals, and judges nothing but what it has taken, for any JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (schema, value) => {
        const code = checked(schema as Json);
        expect(["nothing thrown", "INPUT_INVALID"]).toContain(code);
        if (code === "nothing thrown") problemOf(schema as Json, value as Json);
      }),
      { numRuns: 500 },
    );
  });
});

function deep(levels: number): Json {
  return levels === 0 ? {} : { items: deep(levels - 1) };
}
