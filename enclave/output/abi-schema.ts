/** The JSON that a model is asked for when a contract wants a tuple, and its way back to values. */

import { isHex, isPlainText } from "../../protocol/bytes.ts";
import type { Json } from "../../protocol/canonical-json.ts";
import type { OutputValue } from "../../protocol/output-abi.ts";
import {
  integerRange,
  type BaseType,
  type OutputField,
  type OutputType,
} from "../../protocol/output-type.ts";
import { OutputProblem } from "./output-problem.ts";

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
  const items = fieldSchema(field, dimensions - 1);
  const length = field.arrays[dimensions - 1] ?? null;
  return length === null
    ? { type: "array", items }
    : { type: "array", items, minItems: length, maxItems: length };
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
  return members(type.fields, json, null).map(([, value]) => value);
}

/** @param path of the tuple; null for the answer itself */
function members(
  fields: readonly OutputField[],
  json: Json,
  path: string | null,
): readonly (readonly [string, OutputValue])[] {
  const name = path ?? "the answer";
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new OutputProblem(`${name} must be a JSON object`);
  }
  const object = json as { readonly [key: string]: Json };
  const extra = Object.keys(object).some((key) => !fields.some((field) => field.name === key));
  if (extra) throw new OutputProblem(`${name} has a member that was not asked for`);
  return fields.map((field) => {
    const inner = path === null ? field.name : `${path}.${field.name}`;
    const value = Object.hasOwn(object, field.name) ? object[field.name] : undefined;
    if (value === undefined) throw new OutputProblem(`${inner} is missing`);
    return [field.name, toValue({ field, path: inner }, field.arrays.length, value)] as const;
  });
}

interface Place {
  readonly field: OutputField;
  /** As in `orders[2].amount`. */
  readonly path: string;
}

function toValue({ field, path }: Place, dimensions: number, json: Json): OutputValue {
  if (dimensions === 0) return toBaseValue({ field, path }, json);
  if (!Array.isArray(json)) throw new OutputProblem(`${path} must be a list`);
  const items = json as readonly Json[];
  const length = field.arrays[dimensions - 1] ?? null;
  if (length !== null && items.length !== length) {
    throw new OutputProblem(`${path} must have exactly ${length} items`);
  }
  return items.map((item, index) => toValue({ field, path: `${path}[${index}]` }, dimensions - 1, item));
}

function toBaseValue({ field, path }: Place, json: Json): OutputValue {
  const { base } = field;
  switch (base.kind) {
    case "tuple":
      return Object.fromEntries(members(base.fields, json, path));
    case "bool":
      if (typeof json !== "boolean") throw new OutputProblem(`${path} must be true or false`);
      return json;
    case "string":
      // A lone surrogate has no UTF-8, and decoders drop a byte order mark: neither would arrive as it was sent.
      if (typeof json !== "string" || !isPlainText(json)) {
        throw new OutputProblem(`${path} must be a string of well-formed Unicode`);
      }
      return json;
    case "integer":
      return toInteger({ field, path }, base, json);
    case "address":
      return toBytes(path, json, 20);
    case "fixedBytes":
      return toBytes(path, json, base.length);
    case "bytes":
      return toBytes(path, json, null);
  }
}

const DECIMAL = /^-?(?:0|[1-9][0-9]{0,77})$/;

function toInteger({ field, path }: Place, base: Extract<BaseType, { kind: "integer" }>, json: Json): bigint {
  // A JSON number is taken where it is exact: models slip, and its meaning is not in doubt.
  const text = typeof json === "number" && Number.isSafeInteger(json) ? String(json) : json;
  const range = integerRange(base.signed, base.bits);
  const { min, max } = field.bounds ?? range;
  const problem = `${path} must be an integer from ${min} to ${max}, as a decimal string`;
  if (typeof text !== "string" || !DECIMAL.test(text) || text === "-0") throw new OutputProblem(problem);
  const value = BigInt(text);
  if (value < min || value > max) throw new OutputProblem(problem);
  return value;
}

function toBytes(path: string, json: Json, length: number | null): string {
  const text = typeof json === "string" ? json.toLowerCase() : json;
  if (!isHex(text) || (length !== null && text.length !== 2 + 2 * length)) {
    const size = length === null ? "bytes" : `${length} bytes`;
    throw new OutputProblem(`${path} must be ${size} as 0x hex`);
  }
  return text;
}
