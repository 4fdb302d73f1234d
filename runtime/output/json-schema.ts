/**
 * The JSON Schema subset (2020-12 words) that an output format may use. Every keyword of a schema is either understood
 * here or refused: a rule that is silently skipped would be an answer that was never checked. `pattern` and `format` are
 * among those refused: a requester's regular expression is a program, and formats mean different things to different
 * validators.
 */

import type { Json } from "../../protocol/canonical-json.ts";
import { InputError } from "../../protocol/errors.ts";

export type JsonObject = { readonly [key: string]: Json };

/** Nesting of a schema. */
const MAX_DEPTH = 32;
/** Schemas applied to one value through `$ref` and `anyOf`, one by another. */
const MAX_IN_PLACE = 16;
/** Values in a schema, of whatever keyword: reading all of them takes half of what checking an answer may (schema-validation.ts). */
const MAX_VALUES = 10_000;

/** Say something to people or to a model; they restrict nothing. */
const ANNOTATIONS = new Set(["title", "description", "$schema", "$comment", "examples", "default"]);
const RULES = new Set([
  "type",
  "enum",
  "const",
  "properties",
  "required",
  "additionalProperties",
  "items",
  "minItems",
  "maxItems",
  "minLength",
  "maxLength",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "anyOf",
  "$ref",
  "$defs",
]);
const TYPES = new Set(["object", "array", "string", "number", "integer", "boolean", "null"]);
const COUNTS = ["minItems", "maxItems", "minLength", "maxLength"] as const;
export const RANGES = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] as const;

const REF = /^#\/\$defs\/([^/~%]+)$/;

/** @throws {InputError} INPUT_INVALID naming the keyword that is unknown or misused */
export function checkJsonSchema(schema: Json): asserts schema is JsonObject {
  const root = schema;
  checkSize(schema);
  checkSchema(schema, { path: "$", depth: 0, root });
  checkReferences(root);
}

/** What would be too long to check an answer by is refused before a model is asked. */
function checkSize(schema: Json): void {
  const open: Json[] = [schema];
  for (let count = 1; open.length > 0; count += 1) {
    if (count > MAX_VALUES) throw unsupported("$", `more than ${MAX_VALUES} values`);
    const value = open.pop() ?? null;
    if (typeof value === "object" && value !== null)
      for (const inner of Object.values(value)) open.push(inner);
  }
}

interface Position {
  readonly path: string;
  readonly depth: number;
  readonly root: Json;
}

function checkSchema(schema: Json, position: Position): void {
  const { path, depth, root } = position;
  if (!isObject(schema)) throw unsupported(path, "a schema is an object");
  if (depth > MAX_DEPTH) throw unsupported(path, "nests too deep");
  for (const key of Object.keys(schema))
    if (!RULES.has(key) && !ANNOTATIONS.has(key)) throw unsupported(path, `keyword ${key} is not supported`);
  checkForms(schema, path);
  checkRef(schema, path, root);
  for (const [name, child] of childSchemas(schema))
    checkSchema(child, { path: `${path}/${name}`, depth: depth + 1, root });
}

/** The schemas directly inside a schema, each with its place. */
function childSchemas(schema: JsonObject): readonly (readonly [string, Json])[] {
  const { properties, $defs, items, additionalProperties, anyOf } = schema;
  return [
    ...(isObject(properties) ? Object.entries(properties) : []),
    ...(isObject($defs) ? Object.entries($defs) : []),
    ...(items === undefined ? [] : [["items", items] as const]),
    ...(isObject(additionalProperties) ? [["additionalProperties", additionalProperties] as const] : []),
    ...(isList(anyOf) ? anyOf.map((child, index) => [`anyOf/${index}`, child] as const) : []),
  ];
}

function checkForms(schema: JsonObject, path: string): void {
  const { type, required, properties, additionalProperties, anyOf, $defs } = schema;
  const types = type === undefined ? [] : isList(type) ? type : [type];
  if (!types.every((name) => typeof name === "string" && TYPES.has(name))) throw unsupported(path, "type");
  if (properties !== undefined && !isObject(properties)) throw unsupported(path, "properties");
  if ($defs !== undefined && (!isObject($defs) || path !== "$"))
    throw unsupported(path, "$defs outside the root");
  if (required !== undefined && !(isList(required) && required.every((name) => typeof name === "string")))
    throw unsupported(path, "required");
  const isRule = typeof additionalProperties === "boolean" || isObject(additionalProperties);
  if (additionalProperties !== undefined && !isRule) throw unsupported(path, "additionalProperties");
  const { enum: values } = schema;
  if (values !== undefined && !(isList(values) && values.length > 0)) throw unsupported(path, "enum");
  if (anyOf !== undefined && (!isList(anyOf) || anyOf.length === 0)) throw unsupported(path, "anyOf");
  for (const key of COUNTS) {
    const count = schema[key];
    if (count !== undefined && !(typeof count === "number" && Number.isSafeInteger(count) && count >= 0))
      throw unsupported(path, key);
  }
  for (const key of RANGES)
    if (schema[key] !== undefined && typeof schema[key] !== "number") throw unsupported(path, key);
}

function checkRef(schema: JsonObject, path: string, root: Json): void {
  if (schema["$ref"] === undefined) return;
  if (resolveRef(root, schema["$ref"]) === undefined)
    throw unsupported(path, "$ref to anything but #/$defs/name");
  const rules = Object.keys(schema).filter((key) => RULES.has(key) && key !== "$defs");
  if (rules.length > 1) throw unsupported(path, "rules beside a $ref");
}

/** The definition that `#/$defs/name` names. */
export function resolveRef(root: Json, ref: Json): Json | undefined {
  const name = typeof ref === "string" ? REF.exec(ref)?.[1] : undefined;
  const definitions = isObject(root) ? root["$defs"] : undefined;
  if (name === undefined || !isObject(definitions)) return undefined;
  return Object.hasOwn(definitions, name) ? definitions[name] : undefined;
}

/**
 * What is applied to one and the same value, one schema by another: a `$ref`, the alternatives of an `anyOf`. A definition may
 * contain itself, but must not be itself, since no value would ever be done with; and a chain of a thousand definitions would
 * be walked at each level of a value.
 */
function checkReferences(root: Json): void {
  /** How many schemas follow one another from here on. */
  const heights = new Map<Json, number>();
  const open = new Set<Json>();
  const heightOf = (schema: Json): number => {
    if (!isObject(schema)) return 0;
    const known = heights.get(schema);
    if (known !== undefined) return known;
    if (open.has(schema)) throw unsupported("$", "a $ref that leads back to itself");
    if (open.size >= MAX_IN_PLACE) throw tooManyInPlace();
    open.add(schema);
    const { $ref, anyOf } = schema;
    const target = $ref === undefined ? undefined : resolveRef(root, $ref);
    const next = [...(isList(anyOf) ? anyOf : []), ...(target === undefined ? [] : [target])];
    let height = 1;
    for (const inner of next) height = Math.max(height, 1 + heightOf(inner));
    if (height > MAX_IN_PLACE) throw tooManyInPlace();
    open.delete(schema);
    heights.set(schema, height);
    return height;
  };
  const visit = (schema: Json): void => {
    heightOf(schema);
    if (isObject(schema)) for (const [, child] of childSchemas(schema)) visit(child);
  };
  visit(root);
}

function tooManyInPlace(): InputError {
  return unsupported("$", `more than ${MAX_IN_PLACE} of $ref and anyOf that follow one another`);
}

function unsupported(path: string, what: string): InputError {
  return new InputError({
    code: "INPUT_INVALID",
    message: `the JSON Schema cannot be used: ${what} (at ${path})`,
    details: { path },
  });
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !isList(value);
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
