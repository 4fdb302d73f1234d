/** The JSON that a model is asked for when a contract wants a tuple, and its way back to values. */

import { isHex, isPlainText, toUtf8 } from "../../protocol/bytes.ts";
import type { Json } from "../../protocol/canonical-json.ts";
import { parseFixed } from "../../protocol/fixed-point.ts";
import type { OutputValue } from "../../protocol/output-abi.ts";
import {
  integerRange,
  spellBounds,
  type BaseType,
  type OutputField,
  type OutputType,
} from "../../protocol/output-type.ts";
import { ExactNumber, isExactObject, type ExactJson } from "./exact-json.ts";
import { OutputProblem } from "./output-problem.ts";

/**
 * A JSON Schema of which providers enforce what they can. Numbers are decimal strings, since JSON's end at 2^53;
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
      return stringSchema(base.maxBytes, description);
    case "address":
      return { type: "string", description: told("an address: 0x and 40 hex digits") };
    case "bytes":
      return { type: "string", description: told("bytes: 0x and an even number of hex digits") };
    case "fixedBytes":
      return {
        type: "string",
        description: told(`${base.length} bytes: 0x and ${base.length * 2} hex digits`),
      };
    case "integer":
    case "fixed":
      return { type: "string", description: told(tellNumber(base, bounds)) };
    case "tuple":
      return tupleSchema(base.fields, description);
  }
}

/** A model counts characters at best; the enclave counts bytes. */
function stringSchema(maxBytes: number | null, description: string | null): Json {
  const limit = maxBytes === null ? null : `at most ${maxBytes} bytes of UTF-8`;
  const told = description !== null && limit !== null ? `${description} (${limit})` : (description ?? limit);
  return told === null ? { type: "string" } : { type: "string", description: told };
}

type NumberType = Extract<BaseType, { kind: "integer" | "fixed" }>;

/** As in "an integer from 0 to 10, as a decimal string". */
function tellNumber(base: NumberType, bounds: OutputField["bounds"]): string {
  const { min, max } = spellBounds(base, bounds);
  const what =
    base.kind === "integer"
      ? "an integer"
      : `a number with at most ${base.decimals} ${base.decimals === 1 ? "digit" : "digits"} after the point,`;
  return `${what} from ${min} to ${max}, as a decimal string`;
}

/**
 * The tuple's values from a model's JSON.
 *
 * @throws {OutputProblem} saying which field is wrong and what it must be
 */
export function toOutputValues(type: OutputType, json: ExactJson): readonly OutputValue[] {
  return members(type.fields, json, null).map(([, value]) => value);
}

/** @param path of the tuple; null for the answer itself */
function members(
  fields: readonly OutputField[],
  json: ExactJson,
  path: string | null,
): readonly (readonly [string, OutputValue])[] {
  const name = path ?? "the answer";
  if (!isExactObject(json)) throw new OutputProblem(`${name} must be a JSON object`);
  const extra = Object.keys(json).some((key) => !fields.some((field) => field.name === key));
  if (extra) throw new OutputProblem(`${name} has a member that was not asked for`);
  return fields.map((field) => {
    const inner = path === null ? field.name : `${path}.${field.name}`;
    const value = Object.hasOwn(json, field.name) ? json[field.name] : undefined;
    if (value === undefined) throw new OutputProblem(`${inner} is missing`);
    return [field.name, toValue({ field, path: inner }, field.arrays.length, value)] as const;
  });
}

interface Place {
  readonly field: OutputField;
  /** As in `orders[2].amount`. */
  readonly path: string;
}

function toValue({ field, path }: Place, dimensions: number, json: ExactJson): OutputValue {
  if (dimensions === 0) return toBaseValue({ field, path }, json);
  if (!Array.isArray(json)) throw new OutputProblem(`${path} must be a list`);
  const items = json as readonly ExactJson[];
  const length = field.arrays[dimensions - 1] ?? null;
  if (length !== null && items.length !== length) {
    throw new OutputProblem(`${path} must have exactly ${length} items`);
  }
  return items.map((item, index) => toValue({ field, path: `${path}[${index}]` }, dimensions - 1, item));
}

function toBaseValue({ field, path }: Place, json: ExactJson): OutputValue {
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
      if (base.maxBytes !== null && toUtf8(json).length > base.maxBytes) {
        throw new OutputProblem(`${path} must have at most ${base.maxBytes} bytes of UTF-8`);
      }
      return json;
    case "integer":
    case "fixed":
      return toNumber({ field, path }, base, json);
    case "address":
      return toBytes(path, json, 20);
    case "fixedBytes":
      return toBytes(path, json, base.length);
    case "bytes":
      return toBytes(path, json, null);
  }
}

/** As the model wrote it, digit by digit: a number is never rounded to fit. */
function toNumber({ field, path }: Place, base: NumberType, json: ExactJson): bigint {
  const decimals = base.kind === "fixed" ? base.decimals : 0;
  // A JSON number is taken by its text: models slip, and its meaning is not in doubt.
  const text = json instanceof ExactNumber ? json.literal : json;
  const value = typeof text === "string" ? parseFixed(text, decimals) : null;
  const { min, max } = field.bounds ?? integerRange(base.signed, base.bits);
  if (value === null || value < min || value > max) {
    throw new OutputProblem(`${path} must be ${tellNumber(base, field.bounds)}`);
  }
  return value;
}

function toBytes(path: string, json: ExactJson, length: number | null): string {
  const text = typeof json === "string" ? json.toLowerCase() : json;
  if (!isHex(text) || (length !== null && text.length !== 2 + 2 * length)) {
    const size = length === null ? "bytes" : `${length} bytes`;
    throw new OutputProblem(`${path} must be ${size} as 0x hex`);
  }
  return text;
}
