/**
 * Random schemas with references, unions and recursion, and answers that nearly fit them. The verdict is held against a second
 * reading of the same rules that knows no limits, to what a requester's schema may cost, and to errors that are ours.
 */

import { ExactNumber, parseExactJson, type ExactJson } from "../../runtime/output/exact-json.ts";
import { createOutputContract } from "../../runtime/output/output-contract.ts";
import { OutputProblem } from "../../runtime/output/output-problem.ts";
import { toUtf8 } from "../../protocol/bytes.ts";
import { parseJson, type Json } from "../../protocol/canonical-json.ts";
import { InputError } from "../../protocol/errors.ts";
import { OutputKind } from "../../protocol/prompt.ts";
import type { Random } from "./mutation.ts";
import { compareNumbers, isWhole } from "./number-reference.ts";
import type { FuzzTarget } from "./target.ts";

/** Milliseconds of processor time that a verdict may take. */
const MAX_VERDICT_MS = 50;
const UNCHECKED = "the answer is too long or nests too deep to be checked";

const NAMES = ["a", "b", "children", "toString", "__proto__", "ü"];
const NUMBERS = [
  "0",
  "-0.0",
  "1",
  "10",
  "10.0000000000000000001",
  "9007199254740993",
  "1e2",
  "100",
  "1e400",
  "-7",
];
const TEXTS = ["", "yes", "no", "\u{1f600}", "ab", "x".repeat(300), "\ud800"];
const TYPES = ["object", "array", "string", "number", "integer", "boolean", "null"];
const DEFINITIONS = ["d0", "d1", "d2"];

const pick = <T>(list: readonly T[], random: Random): T => list[random(list.length)]!;

/** JSON text: numbers keep the spelling that they are given. */
function scalar(random: Random): string {
  switch (random(4)) {
    case 0:
      return pick(NUMBERS, random);
    case 1:
      return JSON.stringify(pick(TEXTS, random));
    default:
      return pick(["true", "false", "null"], random);
  }
}

const object = (members: readonly (readonly [string, string])[]): string =>
  `{${[...new Map(members)].map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(",")}}`;
const several = (most: number, random: Random, one: () => string): readonly string[] =>
  Array.from({ length: random(most + 1) }, one);

function schema(depth: number, random: Random): string {
  if (depth > 0 && random(6) === 0) return object([["$ref", `"#/$defs/${pick(DEFINITIONS, random)}"`]]);
  const inner = (): string => schema(depth - 1, random);
  const rules: (readonly [string, string])[] = [];
  if (random(3) > 0) rules.push(["type", typeRule(random)]);
  switch (depth > 0 ? random(9) : random(4)) {
    case 0:
      rules.push(["enum", `[${[scalar(random), ...several(3, random, () => scalar(random))].join(",")}]`]);
      break;
    case 1:
      rules.push(["const", value(1, random)]);
      break;
    case 2:
      rules.push([
        pick(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], random),
        pick(NUMBERS, random),
      ]);
      break;
    case 3:
      rules.push([pick(["minLength", "maxLength", "minItems", "maxItems"], random), String(random(4))]);
      break;
    case 4:
      rules.push(["items", inner()]);
      break;
    case 5:
      rules.push(["anyOf", `[${[inner(), ...several(2, random, inner)].join(",")}]`]);
      break;
    default:
      rules.push([
        "properties",
        object(several(3, random, inner).map((text) => [pick(NAMES, random), text])),
      ]);
      if (random(2) === 0) rules.push(["additionalProperties", random(2) === 0 ? "false" : inner()]);
      if (random(2) === 0) rules.push(["required", JSON.stringify([pick(NAMES, random)])]);
  }
  return object(rules);
}

function typeRule(random: Random): string {
  return JSON.stringify(random(3) === 0 ? [pick(TYPES, random), pick(TYPES, random)] : pick(TYPES, random));
}

function rootSchema(random: Random): string {
  const root = schema(3, random);
  const definitions = object(DEFINITIONS.map((name) => [name, schema(2, random)]));
  return root === "{}" ? `{"$defs":${definitions}}` : `${root.slice(0, -1)},"$defs":${definitions}}`;
}

function value(depth: number, random: Random): string {
  if (depth === 0 || random(3) === 0) return scalar(random);
  const inner = (): string => value(depth - 1, random);
  return random(2) === 0
    ? `[${several(4, random, inner).join(",")}]`
    : object(several(4, random, inner).map((text) => [pick(NAMES, random), text]));
}

/** What costs most: depth, breadth, long texts, long numbers. */
function hostileValue(random: Random): string {
  const size = 1 + random(3_000);
  switch (random(5)) {
    case 0:
      return `${"[".repeat(size % 140)}${"]".repeat(size % 140)}`;
    case 1:
      return `[${Array.from({ length: size }, () => scalar(random)).join(",")}]`;
    case 2:
      return JSON.stringify("x".repeat(size * 10));
    case 3:
      return "9".repeat(size);
    default:
      return `1e${"9".repeat(size)}`;
  }
}

/** The rules of docs/reference/models.md, JSON Schema subset, as plainly as they can be put. */
function fits(root: ExactJson, rule: ExactJson, json: ExactJson): boolean {
  const rules = rule as Record<string, ExactJson>;
  if (typeof rules["$ref"] === "string") {
    const definitions = (root as Record<string, Record<string, ExactJson>>)["$defs"]!;
    return fits(root, definitions[rules["$ref"].slice("#/$defs/".length)]!, json);
  }
  const { type, enum: values, const: only, anyOf } = rules;
  const types = type === undefined ? null : ([type].flat() as readonly string[]);
  if (types !== null && !types.some((name) => hasType(name, json))) return false;
  if (only !== undefined && !isEqual(only, json)) return false;
  if (values !== undefined && !(values as ExactJson[]).some((each) => isEqual(each, json))) return false;
  if (anyOf !== undefined && !(anyOf as ExactJson[]).some((each) => fits(root, each, json))) return false;
  if (json instanceof ExactNumber) return fitsRange(rules, json);
  if (typeof json === "string")
    return isBetween(Array.from(json).length, rules["minLength"], rules["maxLength"]);
  if (Array.isArray(json)) {
    const { items } = rules;
    const list = json as readonly ExactJson[];
    return (
      isBetween(list.length, rules["minItems"], rules["maxItems"]) &&
      (items === undefined || list.every((item) => fits(root, items, item)))
    );
  }
  return (
    json === null || typeof json !== "object" || fitsObject(root, rules, json as Record<string, ExactJson>)
  );
}

function fitsObject(
  root: ExactJson,
  rules: Record<string, ExactJson>,
  json: Record<string, ExactJson>,
): boolean {
  const { required = [], properties = {}, additionalProperties = true } = rules;
  if (!(required as readonly string[]).every((name) => Object.hasOwn(json, name))) return false;
  return Object.entries(json).every(([name, inner]) => {
    const own = Object.hasOwn(properties as object, name);
    const rule = own ? (properties as Record<string, ExactJson>)[name]! : additionalProperties;
    return typeof rule === "boolean" ? rule : fits(root, rule, inner);
  });
}

function hasType(name: string, json: ExactJson): boolean {
  if (json instanceof ExactNumber) return name === "number" || (name === "integer" && isWhole(json.literal));
  if (json === null) return name === "null";
  if (Array.isArray(json)) return name === "array";
  return typeof json === name;
}

function fitsRange(rules: Record<string, ExactJson>, json: ExactNumber): boolean {
  const order = (key: string): number | null => {
    const limit = rules[key];
    return limit instanceof ExactNumber ? compareNumbers(json.literal, limit.literal) : null;
  };
  return (
    (order("minimum") ?? 0) >= 0 &&
    (order("maximum") ?? 0) <= 0 &&
    (order("exclusiveMinimum") ?? 1) > 0 &&
    (order("exclusiveMaximum") ?? -1) < 0
  );
}

function isBetween(count: number, least: ExactJson | undefined, most: ExactJson | undefined): boolean {
  return (
    (!(least instanceof ExactNumber) || count >= Number(least.literal)) &&
    (!(most instanceof ExactNumber) || count <= Number(most.literal))
  );
}

function isEqual(a: ExactJson, b: ExactJson): boolean {
  if (a instanceof ExactNumber || b instanceof ExactNumber)
    return a instanceof ExactNumber && b instanceof ExactNumber && compareNumbers(a.literal, b.literal) === 0;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return (
    left.length === right.length &&
    left.every(
      ([name, inner]) => Object.hasOwn(b, name) && isEqual(inner, (b as Record<string, ExactJson>)[name]!),
    )
  );
}

interface Case {
  readonly schema: string;
  readonly answer: string;
}

/** @throws {InputError} for a schema that is refused before anyone is asked */
function judge({ schema: text, answer }: Case): void {
  const contract = createOutputContract({ kind: OutputKind.json, schema: text, choices: [] });
  const before = process.cpuUsage();
  let problem: string | null = null;
  try {
    contract.toOutput(answer);
  } catch (error) {
    if (!(error instanceof OutputProblem)) throw new Error("a verdict was thrown", { cause: error });
    problem = error.message;
  }
  const { user, system } = process.cpuUsage(before);
  if (user + system > MAX_VERDICT_MS * 1_000) throw new Error(`a verdict took ${user + system} µs`);
  if (problem === UNCHECKED || !isReadable(answer)) return;
  const expected = fits(parseExactJson(text), parseExactJson(text), parseExactJson(answer));
  if (expected !== (problem === null))
    throw new Error(`expected ${String(expected)}, and was told: ${String(problem)}`);
}

/** What is refused before any schema: other text than JSON, nesting without end, half of a surrogate pair. */
function isReadable(answer: string): boolean {
  try {
    return answer.isWellFormed() && JSON.stringify(parseJson(toUtf8(answer))).search(/\\ud[89ab]../) < 0;
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
}

export const SCHEMA_TARGETS: readonly FuzzTarget[] = [
  {
    kind: "schemas",
    seeds: () => Promise.resolve([toUtf8(JSON.stringify({ schema: '{"type":"object"}', answer: "{}" }))]),
    mutate: (_genuine, random) => {
      const answer = random(20) === 0 ? hostileValue(random) : value(4, random);
      return toUtf8(JSON.stringify({ schema: rootSchema(random), answer } satisfies Case));
    },
    run: (input) => {
      judge(parseJson(input) as unknown as Case & Json);
      return Promise.resolve("the verdict is right");
    },
  },
];
