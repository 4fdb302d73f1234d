import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createOutputContract } from "../../../runtime/output/output-contract.ts";
import { parseExactJson, type ExactJson } from "../../../runtime/output/exact-json.ts";
import { OutputProblem } from "../../../runtime/output/output-problem.ts";
import { toJsonSchema } from "../../../runtime/output/abi-schema.ts";
import { findSchemaProblem } from "../../../runtime/output/schema-validation.ts";
import { fromUtf8, toHex } from "../../../protocol/bytes.ts";
import type { Json } from "../../../protocol/canonical-json.ts";
import { formatFixed } from "../../../protocol/fixed-point.ts";
import { decodeOutput, encodeOutput, type OutputValue } from "../../../protocol/output-abi.ts";
import { parseOutputType, type OutputField, type OutputType } from "../../../protocol/output-type.ts";
import { OutputKind, type OutputFormat } from "../../../protocol/prompt.ts";
import { codeOf } from "../../support/code-of.ts";
import { outputType, outputValues, spellOutputType } from "../../support/output-arbitraries.ts";

const abi = (schema: string): OutputFormat => ({ kind: OutputKind.abi, schema, choices: [] });
const json = (schema: Json): OutputFormat => ({
  kind: OutputKind.json,
  schema: JSON.stringify(schema),
  choices: [],
});
const exact = (value: Json): ExactJson => parseExactJson(JSON.stringify(value));
const text: OutputFormat = { kind: OutputKind.text, schema: "", choices: [] };
const choice = (...choices: string[]): OutputFormat => ({ kind: OutputKind.choice, schema: "", choices });

function read(format: OutputFormat, answer: string): Uint8Array | string {
  try {
    return createOutputContract(format).toOutput(answer);
  } catch (error) {
    if (error instanceof OutputProblem) return `problem: ${error.message}`;
    throw error;
  }
}

function decoded(type: string, answer: string): unknown {
  const output = read(abi(type), answer);
  return typeof output === "string" ? output : decodeOutput(parseOutputType(type), output);
}

const MAX_UINT256 = (2n ** 256n - 1n).toString();
const MIN_INT256 = (-(2n ** 255n)).toString();

describe("a tuple", () => {
  test.for([
    ["uint256 max", "(uint256 n)", `{"n":"${MAX_UINT256}"}`, [2n ** 256n - 1n]],
    ["int256 min", "(int256 n)", `{"n":"${MIN_INT256}"}`, [-(2n ** 255n)]],
    [
      "a number by its text, past what doubles hold",
      "(uint64 n)",
      `{"n":9007199254740993}`,
      [2n ** 53n + 1n],
    ],
    ["a string of as many bytes as it may have", "(string<=5 s)", `{"s":"é→"}`, ["é→"]],
    [
      "decimals, scaled and never rounded",
      "(ufixed64x2 a, fixed256x18 b, fixed8x1 c -1.5..1.5, ufixed64x2 d)",
      `{"a":"12.3","b":"-0.000000000000000001","c":"1.5","d":0.85}`,
      [1230n, -1n, 15n, 85n],
    ],
    ["empty lists", "(uint8[] a, string[][] b)", `{"a":[],"b":[[],[]]}`, [[], [[], []]]],
    ["empty strings and bytes", "(string s, bytes b)", `{"s":"","b":"0x"}`, ["", "0x"]],
    [
      "tuples in lists in tuples",
      "((uint8 n, (bool ok)[2] two)[] items)",
      `{"items":[{"n":"1","two":[{"ok":true},{"ok":false}]}]}`,
      [[{ n: 1n, two: [{ ok: true }, { ok: false }] }]],
    ],
    [
      "an address in either case, and with its checksum (the first two of EIP-55)",
      "(address a, address b, address c, address d)",
      `{"a":"0x52908400098527886E0F7030069857D2E4169EE7","b":"0xd8da6bf26964af9d7eed9e03e53415d37aa96045","c":"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed","d":"0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"}`,
      [
        "0x52908400098527886e0f7030069857d2e4169ee7",
        "0xd8da6bf26964af9d7eed9e03e53415d37aa96045",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        "0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359",
      ],
    ],
    [
      "a small integer as a number and as digits",
      "(uint8 a 0..10, uint8 b)",
      `{"a":7,"b":"255"}`,
      [7n, 255n],
    ],
    ["characters beyond the basic plane", "(string s)", `{"s":"\\ud83d\\ude00"}`, ["😀"]],
    ["both ends of bounds", "(int8 n -5..5, int8 m -5..5)", `{"n":"-5","m":"5"}`, [-5n, 5n]],
    ["a fence around the whole", "(bool b)", '```json\n{"b":true}\n```', [true]],
    ["a fence of other line ends", "(bool b)", '```json\r\n{"b":true}\r\n```', [true]],
    ["a fence in capitals", "(bool b)", '```JSON\n{"b":true}\n```', [true]],
    ["a fence that closes on the last line", "(bool b)", '```json\n{"b":true}```', [true]],
    ["a fence of tildes", "(bool b)", '~~~json\n{"b":true}\n~~~', [true]],
    ["a longer fence", "(bool b)", '````\n{"b":true}\n````', [true]],
  ] as const)("takes %s", ([, type, answer, values]) => {
    expect(decoded(type, answer)).toEqual(values);
  });

  test.for([
    ["one above uint256 max", "(uint256 n)", `{"n":"${2n ** 256n}"}`, "n must be an integer"],
    ["one below int256 min", "(int256 n)", `{"n":"${-(2n ** 255n) - 1n}"}`, "n must be an integer"],
    ["an exponent", "(uint64 n)", `{"n":1e2}`, "n must be an integer"],
    ["a string one byte too long", "(string<=4 s)", `{"s":"é→"}`, "s must have at most 4 bytes of UTF-8"],
    [
      "a digit more than its type has",
      "(ufixed64x2 a)",
      `{"a":"0.125"}`,
      "a must be a number with at most 2 digits after the point, from 0 to",
    ],
    [
      "a digit more, in a number that doubles round",
      "(ufixed64x1 a)",
      `{"a":0.1000000000000000000001}`,
      "a must be a number with at most 1 digit after the point",
    ],
    ["a zero more than its type has", "(ufixed64x2 a)", `{"a":"0.500"}`, "a must be a number with at most 2"],
    [
      "a decimal past a bound",
      "(fixed8x1 c -1.5..1.5)",
      `{"c":"1.6"}`,
      "c must be a number with at most 1 digit after the point, from -1.5 to 1.5",
    ],
    [
      "a decimal past its type",
      "(ufixed8x1 c)",
      `{"c":"25.6"}`,
      "c must be a number with at most 1 digit after the point, from 0 to 25.5",
    ],
    [
      "a number where a string was asked",
      "(string s)",
      `{"s":1.5}`,
      "s must be a string of well-formed Unicode",
    ],
    ["a number where a tuple was asked", "((bool a) t)", `{"t":1}`, "t must be a JSON object"],
    [
      "an address whose checksum is another's",
      "(address a)",
      `{"a":"0xD8dA6BF26964aF9D7eEd9e03E53415D37aA96045"}`,
      "a has a wrong checksum (EIP-55)",
    ],
    [
      "a number past int256, in few words",
      "(int256 n)",
      `{"n":"1e18"}`,
      "n must be an integer that fits int256",
    ],
    ["a fraction", "(uint8 n)", `{"n":1.5}`, "n must be an integer"],
    ["a leading zero", "(uint8 n)", `{"n":"01"}`, "n must be an integer"],
    ["minus zero", "(int8 n)", `{"n":"-0"}`, "n must be an integer"],
    ["hex digits for an integer", "(uint8 n)", `{"n":"0x1"}`, "n must be an integer"],
    ["one past a bound", "(int8 n -5..5)", `{"n":"6"}`, "n must be an integer from -5 to 5"],
    [
      "a bound broken deep inside",
      "((uint8 n 0..3)[2][] a)",
      `{"a":[[{"n":"1"},{"n":"4"}]]}`,
      "a[0][1].n must be an integer from 0 to 3",
    ],
    ["a list that is too short", "(uint8[2] a)", `{"a":["1"]}`, "a must have exactly 2 items"],
    ["a list where a list of lists was asked", "(uint8[][] a)", `{"a":["1"]}`, "a[0] must be a list"],
    ["a missing member", "((bool a, bool b) t)", `{"t":{"a":true}}`, "t.b is missing"],
    ["a member too many", "(bool a)", `{"a":true,"b":1}`, "the answer has a member that was not asked for"],
    ["a member of the prototype", "(string constructor)", `{}`, "constructor is missing"],
    [
      "a member named twice",
      "(bool a)",
      `{"a":false,"\\u0061":true}`,
      "an object of the answer names a member twice",
    ],
    ["a string that says true", "(bool a)", `{"a":"true"}`, "a must be true or false"],
    [
      "a lone surrogate",
      "(string s)",
      `{"s":"\\ud800"}`,
      "the answer must be well-formed Unicode, in its escapes",
    ],
    ["a byte order mark", "(string s)", `{"s":"\\ufeffx"}`, "s must be a string of well-formed Unicode"],
    ["half a byte", "(bytes b)", `{"b":"0x0"}`, "b must be bytes as 0x hex"],
    ["a byte too many", "(bytes2 b)", `{"b":"0x010203"}`, "b must be 2 bytes as 0x hex"],
    ["an address that is too short", "(address a)", `{"a":"0x00"}`, "a must be 20 bytes as 0x hex"],
    ["words around it", "(bool a)", `Sure! {"a":true}`, "the answer must be one JSON value and nothing else"],
    ["two values", "(bool a)", `{"a":true} {"a":true}`, "the answer must be one JSON value and nothing else"],
    ["nothing", "(bool a)", ``, "the answer must be one JSON value and nothing else"],
    ["a list in its place", "(bool a)", `[true]`, "the answer must be a JSON object"],
    [
      "a fence that nobody closes, and as many spaces as are read",
      "(bool a)",
      `\`\`\`json\n${" ".repeat(262_000)}x`,
      "the answer must be one JSON value and nothing else",
    ],
    [
      "a fence that is closed by another",
      "(bool a)",
      '```json\n{"a":true}\n~~~',
      "the answer must be one JSON value and nothing else",
    ],
    [
      "a fence in a fence",
      "(bool a)",
      '```\n```\n{"a":true}\n```\n```',
      "the answer must be one JSON value and nothing else",
    ],
    [
      "nesting without end",
      "(bool a)",
      "[".repeat(200_000),
      "the answer must be one JSON value and nothing else",
    ],
  ] as const)("does not take %s", ([, type, answer, problem]) => {
    expect(String(decoded(type, answer)).startsWith(`problem: ${problem}`)).toBe(true);
  });

  test("is read back as it was meant, for any type and values, and fits the schema that the model was shown", () => {
    fc.assert(
      fc.property(
        outputType.map(unbounded).chain((type) => fc.tuple(fc.constant(type), outputValues(type))),
        ([type, values]) => {
          const answer = Object.fromEntries(
            type.fields.map((field, index) => [field.name, toModelJson(field, values[index]!)]),
          );
          const schema = toJsonSchema(type);
          expect(findSchemaProblem(exact(schema), exact(answer))).toBeNull();
          const contract = createOutputContract(abi(spellOutputType(type, [" "])));
          const output = encodeOutput(type, values);
          // To the byte as much as may come of it, so that counting values refuses none that fits.
          expect(toHex(contract.toOutput(JSON.stringify(answer), output.length))).toBe(toHex(output));
          expect(() => contract.toOutput(JSON.stringify(answer), output.length - 1)).toThrow(
            /is longer than/,
          );
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("an answer that cannot fit is not read any further", () => {
  const limited = (format: OutputFormat, answer: string, maxBytes: number): string => {
    try {
      return toHex(createOutputContract(format).toOutput(answer, maxBytes));
    } catch (error) {
      if (error instanceof OutputProblem) return error.message;
      throw error;
    }
  };
  const list = (count: number, last = '"x"'): string =>
    `{"a":[${[...Array<string>(count - 1).fill("1"), last].join(",")}]}`;

  // The last value is wrong: whoever reads the values says so.
  test("values of a typed answer are read where each can have its word", () => {
    expect(limited(abi("(uint8[] a)"), list(32), 1_024)).toBe("a[31] must be an integer from 0 to 255");
    expect(limited(abi("(uint8[] a)"), list(33), 1_024)).toBe("it is longer than 1024 bytes");
    expect(limited(abi("(uint8[] a)"), list(30, "1"), 1_024)).toMatch(/^0x/);
  });

  test("commas inside of strings are none, and lists without values count as one", () => {
    expect(limited(abi("(string s)"), `{"s":"${",".repeat(31)}"}`, 96)).toMatch(/^0x/);
    const empty = `{"a":[${Array<string>(17).fill("[]").join(",")}]}`;
    expect(limited(abi("(bool[][] a)"), empty, 512)).toBe("it is longer than 512 bytes");
  });

  test("a JSON text is checked where it fits itself", () => {
    const format = json({ type: "array", items: { type: "boolean" } });
    expect(limited(format, "[1]", 3)).toMatch(/must be boolean/);
    expect(limited(format, "[1]", 2)).toBe("it is longer than 2 bytes");
  });

  test("of a JSON text 8,192 values are checked", () => {
    const format = json({ type: "array", items: { type: "integer" } });
    const numbers = (count: number): string => `[${Array<string>(count).fill("1").join(",")}]`;
    expect(limited(format, numbers(8_192), 65_536)).toMatch(/^0x/);
    expect(limited(format, numbers(8_193), 65_536)).toMatch(/more than 8192 values/);
  });

  test.for([
    ["text", text, "é", 1],
    ["a choice", choice("a", "b"), '{"choice":"a"}', 31],
    ["a typed answer", abi("(bool a)"), '{"a":true}', 31],
  ] as const)("%s of one byte more is none", ([, format, answer, maxBytes]) => {
    expect(limited(format, answer, maxBytes)).toBe(`it is longer than ${maxBytes} bytes`);
    expect(limited(format, answer, maxBytes + 1)).toMatch(/^0x/);
  });

  test("four characters are read for each byte, and never fewer than 65,536", () => {
    const wordy = (characters: number): string => `{"a":true}${" ".repeat(characters - 10)}`;
    expect(limited(abi("(bool a)"), wordy(65_536), 32)).toMatch(/^0x/);
    expect(limited(abi("(bool a)"), wordy(65_537), 32)).toBe("it is longer than 32 bytes");
    expect(limited(abi("(bool a)"), wordy(80_000), 20_000)).toMatch(/^0x/);
  });
});

test.for([
  ["bounds", "(uint256 n 0..10)", { type: "integer", minimum: 0, maximum: 10 }],
  ["a small type", "(int16 n)", { type: "integer", minimum: -32768, maximum: 32767 }],
  ["the last that doubles hold", "(int64 n -9007199254740991..9007199254740991)", { type: "integer" }],
  ["one past it", "(int64 n -9007199254740991..9007199254740992)", { type: "string" }],
  ["a type that is too large", "(uint56 n)", { type: "string" }],
] as const)("an integer of %s is asked for as what every reader of JSON holds", ([, type, expected]) => {
  expect(toJsonSchema(parseOutputType(type))).toMatchObject({ properties: { n: expected } });
});

describe("JSON by a schema", () => {
  const person: Json = {
    type: "object",
    properties: { name: { type: "string", minLength: 1 }, age: { type: "integer", minimum: 0 } },
    required: ["name"],
    additionalProperties: false,
  };

  test("refuses a schema that means two things: some object in it names a member twice", () => {
    for (const schema of ['{"type":"string","type":"number"}', '{"properties":{"a":{},"\\u0061":{}}}']) {
      const format = { kind: OutputKind.json, schema, choices: [] };
      expect(codeOf(() => createOutputContract(format))).toBe("INPUT_INVALID");
    }
  });

  test("gives the model's own text, large numbers untouched", () => {
    const answer = ' {"name": "Ada", "age": 9007199254740993} ';
    expect(fromUtf8(read(json(person), answer) as Uint8Array)).toBe(answer.trim());
  });

  test.for([
    ["a missing member", `{"age":1}`, "$.name is missing"],
    ["a member too many", `{"name":"a","x":1}`, "$ has a member that was not asked for"],
    ["a value out of range", `{"name":"a","age":-1}`, "$.age must be at least 0"],
    ["another type", `{"name":1}`, "$.name must be string, not number"],
    ["a member named twice", `{"name":"a","name":"b"}`, "an object of the answer names a member twice"],
    ["a lone surrogate in a string", `{"name":"\ud800"}`, "the answer must be well-formed Unicode"],
  ] as const)("does not take %s", ([, answer, problem]) => {
    expect(read(json(person), answer)).toBe(`problem: ${problem}`);
  });
});

describe("a choice", () => {
  test("is the position of its name", () => {
    expect(toHex(read(choice("yes", "no"), '{"choice":"no"}') as Uint8Array)).toBe(`0x${"0".repeat(63)}1`);
  });

  test.for([
    ["another name", '{"choice":"maybe"}'],
    ["another case", '{"choice":"Yes"}'],
    ["a number", '{"choice":0}'],
    ["the bare name", '"yes"'],
    ["a member of every object", '{"choice":"constructor"}'],
    ["more members", '{"choice":"yes","why":"because"}'],
  ] as const)("does not take %s", ([, answer]) => {
    expect(read(choice("yes", "no"), answer)).toBe('problem: choice must be one of ["yes","no"]');
  });
});

describe("text", () => {
  test("is taken as it is", () => {
    expect(fromUtf8(read(text, " A word.\n") as Uint8Array)).toBe(" A word.\n");
  });

  test.for([
    ["nothing", ""],
    ["nothing but spaces", " \n"],
    ["a lone surrogate", "a\udc00"],
    ["a byte order mark at its start", "\ufeffa"],
  ] as const)("is not %s", ([, answer]) => {
    expect(read(text, answer)).toMatch(/^problem: /u);
  });
});

/** Values are drawn from the types, not from their bounds. */
function unbounded(type: OutputType): OutputType {
  const free = (field: OutputField): OutputField => ({
    ...field,
    bounds: null,
    base: field.base.kind === "tuple" ? { ...field.base, fields: field.base.fields.map(free) } : field.base,
  });
  return { fields: type.fields.map(free) };
}

/** What a model would write for a value. */
function toModelJson({ base }: Pick<OutputField, "base">, value: OutputValue): Json {
  if (typeof value === "bigint") {
    if (base.kind === "fixed") return formatFixed(value, base.decimals);
    // Up to 2^53 a number, as the schema says.
    return base.kind === "integer" && base.bits <= 48 ? Number(value) : value.toString();
  }
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (Array.isArray(value))
    return (value as readonly OutputValue[]).map((item) => toModelJson({ base }, item));
  const members = value as Readonly<Record<string, OutputValue>>;
  const fields = base.kind === "tuple" ? base.fields : [];
  return Object.fromEntries(fields.map((field) => [field.name, toModelJson(field, members[field.name]!)]));
}
