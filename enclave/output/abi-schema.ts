/** The JSON that a model is asked for when a contract wants a tuple, and its way back to values. */

import { isHex } from "../../protocol/bytes.ts";
import type { Json } from "../../protocol/canonical-json.ts";
import type { OutputValue } from "../../protocol/output-abi.ts";
import {
  integerRange,
  type BaseType,
  type OutputField,
  type OutputType,
} from "../../protocol/output-type.ts";

/** A model's JSON that is not the tuple asked for; the message goes back to the model when it is asked again. */
export class OutputProblem extends Error {}

/**
 * A JSON Schema of which providers enforce what they can. Integers are decimal strings, since JSON numbers end at 2^53;
 * bytes are 0x hex. Bounds are told in words: few providers enforce them on strings.
 */
export function toJsonSchema(type: OutputType): Json {
  return tupleSchema(type.fields, null);
}

function tupleSchema(fields: readonly OutputField[], description: string | null): Json {
  return {
    type: "object",
    ...(description === null ? {} : { description }),
    properties: Object.fromEntries(
      fields.map((field) => [field.name, fieldSchema(field, field.arrays.length)]),
    ),
    required: fields.map((field) => field.name),
    additionalProperties: false,
  };
}

function fieldSchema(field: OutputField, dimensions: number): Json {
  if (dimensions === 0) return baseSchema(field);
  const length = field.arrays[dimensions - 1] ?? null;
  const count = length === null ? "any number of items" : `exactly ${length} items`;
  return { type: "array", description: count, items: fieldSchema(field, dimensions - 1) };
}

function baseSchema({ base, bounds, description }: OutputField): Json {
  const told = (form: string): string => (description === null ? form : `${description} (${form})`);
  switch (base.kind) {
    case "bool":
      return description === null ? { type: "boolean" } : { type: "boolean", description };
    case "string":
      return description === null ? { type: "string" } : { type: "string", description };
    case "address":
      return { type: "string", description: told("an address: 0x and 40 hex digits") };
    case "bytes":
      return { type: "string", description: told("bytes: 0x and an even number of hex digits") };
    case "fixedBytes":
      return {
        type: "string",
        description: told(`${base.length} bytes: 0x and ${base.length * 2} hex digits`),
      };
    case "integer": {
      const { min, max } = bounds ?? integerRange(base.signed, base.bits);
      return { type: "string", description: told(`an integer from ${min} to ${max}, as a decimal string`) };
    }
    case "tuple":
      return tupleSchema(base.fields, description);
  }
}

/**
 * The tuple's values from a model's JSON.
 *
 * @throws {OutputProblem} saying which field is wrong and what it must be
 */
export function toOutputValues(type: OutputType, json: Json): readonly OutputValue[] {
  return members(type.fields, json, "the answer").map(([, value]) => value);
}

function members(
  fields: readonly OutputField[],
  json: Json,
  path: string,
): readonly (readonly [string, OutputValue])[] {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new OutputProblem(`${path} must be a JSON object`);
  }
  const object = json as { readonly [key: string]: Json };
  const extra = Object.keys(object).find((name) => !fields.some((field) => field.name === name));
  if (extra !== undefined) throw new OutputProblem(`${path} has a member that was not asked for`);
  return fields.map((field) => {
    const value = Object.hasOwn(object, field.name) ? object[field.name] : undefined;
    if (value === undefined) throw new OutputProblem(`${field.name} is missing`);
    return [field.name, toValue(field, field.arrays.length, value)] as const;
  });
}

function toValue(field: OutputField, dimensions: number, json: Json): OutputValue {
  if (dimensions === 0) return toBaseValue(field, field.base, json);
  if (!Array.isArray(json)) throw new OutputProblem(`${field.name} must be a list`);
  const items = json as readonly Json[];
  const length = field.arrays[dimensions - 1] ?? null;
  if (length !== null && items.length !== length) {
    throw new OutputProblem(`${field.name} must have exactly ${length} items`);
  }
  return items.map((item) => toValue(field, dimensions - 1, item));
}

function toBaseValue(field: OutputField, base: BaseType, json: Json): OutputValue {
  switch (base.kind) {
    case "tuple":
      return Object.fromEntries(members(base.fields, json, field.name));
    case "bool":
      if (typeof json !== "boolean") throw new OutputProblem(`${field.name} must be true or false`);
      return json;
    case "string":
      // A lone surrogate has no UTF-8; encoding would quietly replace it.
      if (typeof json !== "string" || !json.isWellFormed()) {
        throw new OutputProblem(`${field.name} must be a string of well-formed Unicode`);
      }
      return json;
    case "integer":
      return toInteger(field, base, json);
    case "address":
      return toBytes(field, json, 20);
    case "fixedBytes":
      return toBytes(field, json, base.length);
    case "bytes":
      return toBytes(field, json, null);
  }
}

const DECIMAL = /^-?(?:0|[1-9][0-9]{0,77})$/;

function toInteger(field: OutputField, base: Extract<BaseType, { kind: "integer" }>, json: Json): bigint {
  // A JSON number is taken where it is exact: models slip, and its meaning is not in doubt.
  const text = typeof json === "number" && Number.isSafeInteger(json) ? String(json) : json;
  const range = integerRange(base.signed, base.bits);
  const { min, max } = field.bounds ?? range;
  const problem = `${field.name} must be an integer from ${min} to ${max}, as a decimal string`;
  if (typeof text !== "string" || !DECIMAL.test(text) || text === "-0") throw new OutputProblem(problem);
  const value = BigInt(text);
  if (value < min || value > max) throw new OutputProblem(problem);
  return value;
}

function toBytes(field: OutputField, json: Json, length: number | null): string {
  const text = typeof json === "string" ? json.toLowerCase() : json;
  if (!isHex(text) || (length !== null && text.length !== 2 + 2 * length)) {
    const size = length === null ? "bytes" : `${length} bytes`;
    throw new OutputProblem(`${field.name} must be ${size} as 0x hex`);
  }
  return text;
}
