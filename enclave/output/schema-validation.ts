/** Whether a value fits a JSON Schema that `checkJsonSchema` passed: our own word on it, whatever a provider enforced. */

import type { Json } from "../../protocol/canonical-json.ts";
import { isList, isObject, RANGES, resolveRef, type JsonObject } from "./json-schema.ts";

/**
 * Schemas applied and values compared. A schema and an answer, each within its own size limit, can together ask for
 * billions (a long `enum` over a long list), while the enclave answers nobody else.
 */
const MAX_STEPS = 2_000_000;

/** What is wrong with `value`, in words for the model; null when nothing is. */
export function findSchemaProblem(schema: Json, value: Json): string | null {
  return new Validation(schema).problem(schema, value, "$");
}

class Validation {
  readonly #root: Json;
  #steps = 0;

  constructor(root: Json) {
    this.#root = root;
  }

  problem(schema: Json, value: Json, path: string): string | null {
    if (!isObject(schema)) return `${path} has no schema`;
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) return "the answer is too long to be checked";
    if (schema["$ref"] !== undefined) {
      return this.problem(resolveRef(this.#root, schema["$ref"]) ?? null, value, path);
    }
    return (
      typeProblem(schema, value, path) ??
      this.#valueProblem(schema, value, path) ??
      (isObject(value) ? this.#objectProblem(schema, value, path) : null) ??
      (isList(value) ? this.#listProblem(schema, value, path) : null) ??
      (typeof value === "string" ? lengthProblem(schema, value, path) : null) ??
      (typeof value === "number" ? rangeProblem(schema, value, path) : null) ??
      this.#anyOfProblem(schema, value, path)
    );
  }

  #valueProblem(schema: JsonObject, value: Json, path: string): string | null {
    const { enum: values, const: only } = schema;
    if (only !== undefined && !isSame(only, value)) return `${path} must be ${JSON.stringify(only)}`;
    if (!isList(values)) return null;
    this.#steps += values.length;
    return values.some((candidate) => isSame(candidate, value))
      ? null
      : `${path} must be one of ${JSON.stringify(values)}`;
  }

  #objectProblem(schema: JsonObject, value: JsonObject, path: string): string | null {
    const { required, properties, additionalProperties } = schema;
    const known = isObject(properties) ? properties : {};
    for (const name of isList(required) ? required : []) {
      if (typeof name === "string" && !Object.hasOwn(value, name)) return `${path}.${name} is missing`;
    }
    for (const [name, child] of Object.entries(value)) {
      const childSchema = Object.hasOwn(known, name) ? known[name] : additionalProperties;
      if (childSchema === false) return `${path} has a member that was not asked for`;
      if (childSchema === undefined || childSchema === true) continue;
      const problem = this.problem(childSchema, child, `${path}.${name}`);
      if (problem !== null) return problem;
    }
    return null;
  }

  #listProblem(schema: JsonObject, value: readonly Json[], path: string): string | null {
    const { items, minItems, maxItems } = schema;
    if (typeof minItems === "number" && value.length < minItems) {
      return `${path} needs at least ${minItems} items`;
    }
    if (typeof maxItems === "number" && value.length > maxItems) {
      return `${path} takes at most ${maxItems} items`;
    }
    if (items === undefined) return null;
    for (const [index, child] of value.entries()) {
      const problem = this.problem(items, child, `${path}[${index}]`);
      if (problem !== null) return problem;
    }
    return null;
  }

  #anyOfProblem({ anyOf }: JsonObject, value: Json, path: string): string | null {
    if (!isList(anyOf)) return null;
    return anyOf.some((schema) => this.problem(schema, value, path) === null)
      ? null
      : `${path} fits none of the alternatives`;
  }
}

function typeProblem({ type }: JsonObject, value: Json, path: string): string | null {
  if (type === undefined) return null;
  const accepted = isList(type) ? type : [type];
  const actual = typeName(value);
  const fits = accepted.some((name) => name === actual || (name === "integer" && Number.isInteger(value)));
  return fits ? null : `${path} must be ${accepted.map(String).join(" or ")}, not ${actual}`;
}

function lengthProblem({ minLength, maxLength }: JsonObject, value: string, path: string): string | null {
  // In characters, as JSON Schema counts; an array of them would be many times the string.
  const characters = value[Symbol.iterator]();
  let length = 0;
  while (characters.next().done !== true) length += 1;
  if (typeof minLength === "number" && length < minLength) {
    return `${path} needs at least ${minLength} characters`;
  }
  if (typeof maxLength === "number" && length > maxLength) {
    return `${path} takes at most ${maxLength} characters`;
  }
  return null;
}

const RANGE_RULES = {
  minimum: { holds: (value: number, limit: number) => value >= limit, words: "at least" },
  maximum: { holds: (value: number, limit: number) => value <= limit, words: "at most" },
  exclusiveMinimum: { holds: (value: number, limit: number) => value > limit, words: "more than" },
  exclusiveMaximum: { holds: (value: number, limit: number) => value < limit, words: "less than" },
} as const;

function rangeProblem(schema: JsonObject, value: number, path: string): string | null {
  for (const key of RANGES) {
    const limit = schema[key];
    const { holds, words } = RANGE_RULES[key];
    if (typeof limit === "number" && !holds(value, limit)) return `${path} must be ${words} ${limit}`;
  }
  return null;
}

function typeName(value: Json): string {
  if (value === null) return "null";
  if (isList(value)) return "array";
  return typeof value;
}

function isSame(a: Json, b: Json): boolean {
  if (isList(a))
    return isList(b) && a.length === b.length && a.every((item, at) => isSame(item, b[at] ?? null));
  if (!isObject(a)) return a === b;
  const names = Object.keys(a);
  if (!isObject(b) || names.length !== Object.keys(b).length) return false;
  return names.every((name) => Object.hasOwn(b, name) && isSame(a[name] ?? null, b[name] ?? null));
}
