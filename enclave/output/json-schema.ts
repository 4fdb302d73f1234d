/**
 * The JSON Schema subset (2020-12 words) that an output format may use, and its validation. Every keyword of a schema is
 * either understood here or refused: a rule that is silently skipped would be an answer that was never checked.
 */

import type { Json } from "../../protocol/canonical-json.ts";
import { encodeCanonicalJson } from "../../protocol/canonical-json.ts";
import { toHex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";

type JsonObject = { readonly [key: string]: Json };

/** Nesting of a schema, and so of what it validates: bounds the work per value. */
const MAX_DEPTH = 16;

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
  "anyOf",
]);
const TYPES = new Set(["object", "array", "string", "number", "integer", "boolean", "null"]);
const COUNTS = ["minItems", "maxItems", "minLength", "maxLength"] as const;

/** @throws {InputError} INPUT_INVALID naming the keyword that is unknown or misused */
export function checkJsonSchema(schema: Json): asserts schema is JsonObject {
  checkSchema(schema, "$", 0);
}

function checkSchema(schema: Json, path: string, depth: number): void {
  if (!isObject(schema)) throw unsupported(path, "a schema is an object");
  if (depth > MAX_DEPTH) throw unsupported(path, "nests too deep");
  for (const key of Object.keys(schema)) {
    if (!RULES.has(key) && !ANNOTATIONS.has(key)) throw unsupported(path, `keyword ${key} is not supported`);
  }
  checkKeywordForms(schema, path);
  for (const [name, child] of Object.entries(isObject(schema["properties"]) ? schema["properties"] : {})) {
    checkSchema(child, `${path}.${name}`, depth + 1);
  }
  if (schema["items"] !== undefined) checkSchema(schema["items"], `${path}[]`, depth + 1);
  if (isList(schema["anyOf"])) {
    schema["anyOf"].forEach((child, index) => {
      checkSchema(child, `${path}|${index}`, depth + 1);
    });
  }
}

function checkKeywordForms(schema: JsonObject, path: string): void {
  const { type, required, properties, additionalProperties, anyOf } = schema;
  const types = type === undefined ? [] : isList(type) ? type : [type];
  if (!types.every((name) => typeof name === "string" && TYPES.has(name))) throw unsupported(path, "type");
  if (properties !== undefined && !isObject(properties)) throw unsupported(path, "properties");
  if (required !== undefined && !(isList(required) && required.every((name) => typeof name === "string"))) {
    throw unsupported(path, "required");
  }
  if (additionalProperties !== undefined && typeof additionalProperties !== "boolean") {
    throw unsupported(path, "additionalProperties is true or false");
  }
  if (schema["enum"] !== undefined && !isList(schema["enum"])) throw unsupported(path, "enum");
  if (anyOf !== undefined && (!isList(anyOf) || anyOf.length === 0)) throw unsupported(path, "anyOf");
  for (const key of COUNTS) {
    const count = schema[key];
    if (count !== undefined && !(typeof count === "number" && Number.isSafeInteger(count) && count >= 0)) {
      throw unsupported(path, key);
    }
  }
  for (const key of ["minimum", "maximum"] as const) {
    if (schema[key] !== undefined && typeof schema[key] !== "number") throw unsupported(path, key);
  }
}

function unsupported(path: string, what: string): InputError {
  return new InputError({
    code: "INPUT_INVALID",
    message: `the JSON Schema cannot be used: ${what} (at ${path})`,
    details: { path },
  });
}

/** What is wrong with `value` under a schema that `checkJsonSchema` passed; null when nothing is. */
export function findSchemaProblem(schema: Json, value: Json, path = "$"): string | null {
  if (!isObject(schema)) return `${path} has no schema`;
  return (
    typeProblem(schema, value, path) ??
    valueProblem(schema, value, path) ??
    (isObject(value) ? objectProblem(schema, value, path) : null) ??
    (isList(value) ? listProblem(schema, value, path) : null) ??
    (typeof value === "string" ? lengthProblem(schema, value, path) : null) ??
    (typeof value === "number" ? rangeProblem(schema, value, path) : null) ??
    anyOfProblem(schema, value, path)
  );
}

function typeProblem({ type }: JsonObject, value: Json, path: string): string | null {
  if (type === undefined) return null;
  const accepted = isList(type) ? type : [type];
  const actual = typeName(value);
  const fits = accepted.some((name) => name === actual || (name === "integer" && Number.isInteger(value)));
  return fits ? null : `${path} must be ${accepted.map(String).join(" or ")}, not ${actual}`;
}

function valueProblem(schema: JsonObject, value: Json, path: string): string | null {
  const { enum: values, const: only } = schema;
  if (only !== undefined && !isSame(only, value)) return `${path} must be ${JSON.stringify(only)}`;
  if (isList(values) && !values.some((candidate) => isSame(candidate, value))) {
    return `${path} must be one of ${JSON.stringify(values)}`;
  }
  return null;
}

function objectProblem(schema: JsonObject, value: JsonObject, path: string): string | null {
  const { required, properties, additionalProperties } = schema;
  const known = isObject(properties) ? properties : {};
  for (const name of isList(required) ? required : []) {
    if (typeof name === "string" && !Object.hasOwn(value, name)) return `${path}.${name} is missing`;
  }
  for (const [name, child] of Object.entries(value)) {
    const childSchema = Object.hasOwn(known, name) ? known[name] : undefined;
    if (childSchema === undefined) {
      if (additionalProperties === false) return `${path}.${name} is not asked for`;
      continue;
    }
    const problem = findSchemaProblem(childSchema, child, `${path}.${name}`);
    if (problem !== null) return problem;
  }
  return null;
}

function listProblem(schema: JsonObject, value: readonly Json[], path: string): string | null {
  const { items, minItems, maxItems } = schema;
  if (typeof minItems === "number" && value.length < minItems)
    return `${path} needs at least ${minItems} items`;
  if (typeof maxItems === "number" && value.length > maxItems)
    return `${path} takes at most ${maxItems} items`;
  if (items === undefined) return null;
  for (const [index, child] of value.entries()) {
    const problem = findSchemaProblem(items, child, `${path}[${index}]`);
    if (problem !== null) return problem;
  }
  return null;
}

function lengthProblem({ minLength, maxLength }: JsonObject, value: string, path: string): string | null {
  const length = Array.from(value).length;
  if (typeof minLength === "number" && length < minLength)
    return `${path} needs at least ${minLength} characters`;
  if (typeof maxLength === "number" && length > maxLength)
    return `${path} takes at most ${maxLength} characters`;
  return null;
}

function rangeProblem({ minimum, maximum }: JsonObject, value: number, path: string): string | null {
  if (typeof minimum === "number" && value < minimum) return `${path} must be at least ${minimum}`;
  if (typeof maximum === "number" && value > maximum) return `${path} must be at most ${maximum}`;
  return null;
}

function anyOfProblem({ anyOf }: JsonObject, value: Json, path: string): string | null {
  if (!isList(anyOf)) return null;
  return anyOf.some((schema) => findSchemaProblem(schema, value, path) === null)
    ? null
    : `${path} fits none of the alternatives`;
}

function typeName(value: Json): string {
  if (value === null) return "null";
  if (isList(value)) return "array";
  return typeof value;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !isList(value);
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function isSame(a: Json, b: Json): boolean {
  return toHex(encodeCanonicalJson(a)) === toHex(encodeCanonicalJson(b));
}
