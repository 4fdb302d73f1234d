/**
 * JSON Schemas as far as each provider enforces them. Keywords that a provider does not know are told in the description instead,
 * for the model to read; whether an answer fits is decided by our own validation either way.
 */

import type { Json } from "../../protocol/canonical-json.ts";
import { InputError } from "../../protocol/errors.ts";
import { isRecursiveSchema } from "./schema-measure.ts";

type JsonObject = { readonly [key: string]: Json };

export interface SchemaSupport {
  /** Keywords that the provider takes; `minItems` may be limited further. */
  readonly keywords: ReadonlySet<string>;
  /** The largest `minItems` that it takes. */
  readonly largestMinItems: number;
  /** Whether it refuses a choice of values without their type, which JSON Schema does not ask for. */
  readonly namesTypes: boolean;
}

const STRUCTURE = ["type", "properties", "required", "additionalProperties", "items", "enum", "anyOf"];
const WORDS = ["title", "description"];

/** https://platform.openai.com/docs/guides/structured-outputs, Supported schemas (strict) */
export const OPENAI_SCHEMAS: SchemaSupport = {
  keywords: new Set([
    ...STRUCTURE,
    ...WORDS,
    "const",
    "$ref",
    "$defs",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
  ]),
  largestMinItems: Infinity,
  namesTypes: true,
};

/** https://platform.claude.com/docs/en/build-with-claude/structured-outputs, JSON Schema limitations */
export const ANTHROPIC_SCHEMAS: SchemaSupport = {
  keywords: new Set([...STRUCTURE, ...WORDS, "const", "$ref", "$defs", "minItems"]),
  largestMinItems: 1,
  namesTypes: false,
};

/** https://ai.google.dev/api/generate-content, GenerationConfig.responseJsonSchema */
export const GEMINI_SCHEMAS: SchemaSupport = {
  keywords: new Set([...STRUCTURE, ...WORDS, "$ref", "$defs", "minItems", "maxItems", "minimum", "maximum"]),
  largestMinItems: Infinity,
  namesTypes: false,
};

/** Restrict nothing, and say nothing to a model that its description does not. */
const DROPPED = new Set(["$schema", "$comment", "examples", "default"]);

export function adaptSchema(schema: Json, support: SchemaSupport): Json {
  if (!isObject(schema)) return schema;
  const kept: Record<string, Json> = support.namesTypes ? typeOfChoice(schema) : {};
  const told: string[] = [];
  for (const [keyword, value] of Object.entries(schema)) {
    const takes =
      support.keywords.has(keyword) && (keyword !== "minItems" || Number(value) <= support.largestMinItems);
    if (takes) kept[keyword] = adaptKeyword(keyword, value, support);
    else if (keyword === "const") kept["enum"] = [value];
    else if (!DROPPED.has(keyword)) told.push(`${keyword} ${JSON.stringify(value)}`);
  }
  if (told.length === 0) return kept;
  const description = typeof kept["description"] === "string" ? `${kept["description"]} ` : "";
  return { ...kept, description: `${description}(${told.join(", ")})` };
}

/** The `type` that an `enum` or `const` has by its values, where it does not name one. */
function typeOfChoice(schema: JsonObject): Record<string, Json> {
  const values = "const" in schema ? [schema["const"] ?? null] : schema["enum"];
  if ("type" in schema || !isList(values)) return {};
  const types = [...new Set(values.map(jsonType))];
  const [only] = types;
  return only !== undefined && types.length === 1 ? { type: only } : { type: types };
}

function jsonType(value: Json): string {
  if (value === null) return "null";
  return isList(value) ? "array" : typeof value;
}

function adaptKeyword(keyword: string, value: Json, support: SchemaSupport): Json {
  switch (keyword) {
    case "properties":
    case "$defs":
      return isObject(value)
        ? Object.fromEntries(
            Object.entries(value).map(([name, child]) => [name, adaptSchema(child, support)]),
          )
        : value;
    case "items":
    case "additionalProperties":
      return adaptSchema(value, support);
    case "anyOf":
      return isList(value) ? value.map((child) => adaptSchema(child, support)) : value;
    default:
      return value;
  }
}

/** @throws {InputError} INPUT_INVALID: the provider would refuse it, or be asked for something else */
export function checkTakesSchema(takesSchema: (schema: Json) => boolean, schema: Json): void {
  if (takesSchema(schema)) return;
  throw new InputError({ code: "INPUT_INVALID", message: "the provider cannot enforce this JSON Schema" });
}

/**
 * Whether OpenAI takes it: the root is an object and no choice, and lists say what they hold. In strict mode (`isStrictSchema`)
 * it also refuses a `$ref` with anything beside it, a value of any type, an object without properties, and choices of objects, of
 * lists or of another type than is named.
 */
export function isOpenaiSchema(schema: Json): boolean {
  if (!isObject(schema) || schema["type"] !== "object" || "anyOf" in schema) return false;
  return (
    everySubschema(schema, holdsItems) &&
    (!isStrictSchema(schema) ||
      everySubschema(
        schema,
        (rules) => isPlainlyTyped(rules) && namesMembers(rules) && choosesItsType(rules),
      ))
  );
}

/** Names of members that Anthropic takes. */
const ANTHROPIC_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/**
 * Whether Anthropic takes it: every object is closed, lists say what they hold, choices are of no objects and
 * lists, members are named in ASCII without spaces, required ones are described, and no definition holds itself.
 */
export function isAnthropicSchema(schema: Json): boolean {
  const isTaken = (rules: JsonObject): boolean =>
    holdsItems(rules) &&
    demandsMembers(rules) &&
    chosen(rules).every((value) => typeof value !== "object" || value === null) &&
    memberNames(rules).every((name) => ANTHROPIC_NAME.test(name));
  return isClosedSchema(schema) && everySubschema(schema, isTaken) && !isRecursiveSchema(schema);
}

/**
 * Whether Gemini takes it: choices are of texts and numbers, lists say what they hold, a `$ref` has nothing beside it, required
 * members are described, and no definition holds itself.
 */
export function isGeminiSchema(schema: Json): boolean {
  const isTaken = (rules: JsonObject): boolean =>
    holdsItems(rules) && refersAlone(rules) && demandsMembers(rules) && choosesPlainly(rules);
  return everySubschema(schema, isTaken) && !isRecursiveSchema(schema);
}

function holdsItems({ type, items }: JsonObject): boolean {
  return items !== undefined || !(type === "array" || (isList(type) && type.includes("array")));
}

/** Definitions may stand beside the root's. */
function refersAlone(schema: JsonObject): boolean {
  return !("$ref" in schema) || Object.keys(schema).every((keyword) => /^\$(?:ref|defs)$/.test(keyword));
}

function isPlainlyTyped(schema: JsonObject): boolean {
  if ("$ref" in schema) return refersAlone(schema);
  return ["type", "anyOf", "enum", "const"].some((keyword) => keyword in schema);
}

function memberNames({ properties }: JsonObject): readonly string[] {
  return isObject(properties) ? Object.keys(properties) : [];
}

/** Members that are required and nowhere described are refused as a mistake. */
function demandsMembers(schema: JsonObject): boolean {
  const { properties, required } = schema;
  if (!isList(required)) return true;
  return required.every(
    (name) => isObject(properties) && typeof name === "string" && Object.hasOwn(properties, name),
  );
}

/** Under its own `type` an object has its properties, be they none. */
function namesMembers({ type, properties }: JsonObject): boolean {
  return isObject(properties) || !(type === "object" || (isList(type) && type.includes("object")));
}

function chosen(schema: JsonObject): readonly Json[] {
  if ("const" in schema) return [schema["const"] ?? null];
  return isList(schema["enum"]) ? schema["enum"] : [];
}

function choosesItsType(schema: JsonObject): boolean {
  const { type } = schema;
  const named = type === undefined ? null : isList(type) ? type : [type];
  return chosen(schema).every((value) => {
    const own = jsonType(value);
    if (own === "object" || own === "array") return false;
    return named === null || named.includes(own) || (own === "number" && named.includes("integer"));
  });
}

function choosesPlainly(schema: JsonObject): boolean {
  return chosen(schema).every((value) => typeof value === "string" || typeof value === "number");
}

function everySubschema(schema: Json, rule: (schema: JsonObject) => boolean): boolean {
  if (!isObject(schema)) return true;
  const { properties, items, additionalProperties, anyOf, $defs } = schema;
  const children = [
    ...(isObject(properties) ? Object.values(properties) : []),
    ...(isObject($defs) ? Object.values($defs) : []),
    ...(isList(anyOf) ? anyOf : []),
    ...[items, additionalProperties].filter(isObject),
  ];
  return rule(schema) && children.every((child) => everySubschema(child, rule));
}

/** Whether every object of `schema` is closed: it names its members, and takes no others. */
function isClosedSchema(schema: Json): boolean {
  return everyObject(schema, ({ additionalProperties }) => additionalProperties === false);
}

/** Whether every object of `schema` is closed and requires all of its members and nothing else, as OpenAI's strict enforcement asks. */
export function isStrictSchema(schema: Json): boolean {
  return everyObject(schema, ({ properties, required, additionalProperties }) => {
    const names = isObject(properties) ? Object.keys(properties) : [];
    const demanded = new Set(isList(required) ? required : []);
    const isWhole = isList(required) && demanded.size === names.length && required.length === names.length;
    return additionalProperties === false && isWhole && names.every((name) => demanded.has(name));
  });
}

function everyObject(schema: Json, rule: (schema: JsonObject) => boolean): boolean {
  if (!isObject(schema)) return false;
  const { properties, items, anyOf, $defs, type } = schema;
  const types = isList(type) ? type : [type];
  // Without a type or a choice of values, it takes objects too.
  const open =
    type === undefined && anyOf === undefined && !("enum" in schema || "const" in schema || "$ref" in schema);
  if ((open || types.includes("object") || properties !== undefined) && !rule(schema)) return false;
  const children = [
    ...(isObject(properties) ? Object.values(properties) : []),
    ...(isObject($defs) ? Object.values($defs) : []),
    ...(isList(anyOf) ? anyOf : []),
    ...(items === undefined ? [] : [items]),
  ];
  return children.every((child) => everyObject(child, rule));
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !isList(value);
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
