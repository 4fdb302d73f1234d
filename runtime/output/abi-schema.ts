/** The JSON that a model is asked for when a contract wants a tuple, and its way back to values. */

import { keccakP } from "@noble/hashes/sha3.js";
import { swap32IfBE } from "@noble/hashes/utils.js";
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
 * A JSON Schema of which providers enforce what they can. Integers within 2^53 are numbers with bounds; others are decimal
 * strings, since JSON's numbers end there, with their bounds in words, as few providers enforce any on strings. Bytes are 0x hex.
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
      return integerSchema(base, bounds, told);
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

/** What every reader of JSON holds is a number with its bounds, which providers can enforce; the rest is a string of digits. */
function integerSchema(
  base: NumberType,
  bounds: OutputField["bounds"],
  told: (form: string) => string,
): Json {
  const description = told(tellNumber(base, bounds));
  const { min, max } = bounds ?? integerRange(base.signed, base.bits);
  return isSafe(min) && isSafe(max)
    ? { type: "integer", minimum: Number(min), maximum: Number(max), description }
    : { type: "string", description };
}

function isSafe(value: bigint): boolean {
  return BigInt.asIntN(54, value) === value && value !== -(2n ** 53n);
}

type NumberType = Extract<BaseType, { kind: "integer" | "fixed" }>;

/** As in "an integer from 0 to 10". */
function tellNumber(base: NumberType, bounds: OutputField["bounds"]): string {
  const { min, max } = spellBounds(base, bounds);
  return tellNumberIn(base, bounds, `from ${min} to ${max}`);
}

/** As `tellNumber`, for a person: two numbers of 77 digits tell nobody anything. */
function tellNumberBriefly(base: NumberType, bounds: OutputField["bounds"]): string {
  return bounds === null && base.bits > 64
    ? tellNumberIn(base, bounds, `that fits ${spellType(base)}`)
    : tellNumber(base, bounds);
}

function tellNumberIn(base: NumberType, bounds: OutputField["bounds"], range: string): string {
  if (base.kind === "fixed") {
    const digits = `${base.decimals} ${base.decimals === 1 ? "digit" : "digits"}`;
    return `a number with at most ${digits} after the point, ${range}, as a decimal string`;
  }
  const { min, max } = bounds ?? integerRange(base.signed, base.bits);
  return `an integer ${range}${isSafe(min) && isSafe(max) ? "" : ", as a decimal string"}`;
}

function spellType(base: NumberType): string {
  const sign = base.signed ? "" : "u";
  return base.kind === "integer" ? `${sign}int${base.bits}` : `${sign}fixed${base.bits}x${base.decimals}`;
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
  if (length !== null && items.length !== length)
    throw new OutputProblem(`${path} must have exactly ${length} items`);
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
      if (typeof json !== "string" || !isPlainText(json))
        throw new OutputProblem(`${path} must be a string of well-formed Unicode`);
      if (base.maxBytes !== null && toUtf8(json).length > base.maxBytes)
        throw new OutputProblem(`${path} must have at most ${base.maxBytes} bytes of UTF-8`);
      return json;
    case "integer":
    case "fixed":
      return toNumber({ field, path }, base, json);
    case "address":
      return toAddress(path, json);
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
  if (value === null || value < min || value > max)
    throw new OutputProblem(`${path} must be ${tellNumberBriefly(base, field.bounds)}`);
  return value;
}

/** In mixed case an address carries a checksum (EIP-55), which a model that mistook a digit gets wrong. */
function toAddress(path: string, json: ExactJson): string {
  const address = toBytes(path, json, 20);
  const digits = typeof json === "string" ? json.slice(2) : "";
  const isMixed = /[a-f]/.test(digits) && /[A-F]/.test(digits);
  if (isMixed && !isChecksummed(digits, address.slice(2)))
    throw new OutputProblem(`${path} has a wrong checksum (EIP-55): one of its digits is not what was meant`);
  return address;
}

/** https://eips.ethereum.org/EIPS/eip-55: a letter is upper case where the hash of the lower-case digits has 8 or more in its place. */
function isChecksummed(digits: string, lower: string): boolean {
  const hash = keccakOfDigits(lower);
  for (let at = 0; at < lower.length; at += 1) {
    const isUpper = digits.charCodeAt(at) !== lower.charCodeAt(at);
    const nibble = ((hash[at >> 1] ?? 0) >> (at % 2 === 0 ? 4 : 0)) & 15;
    const isLetter = lower.charCodeAt(at) > 57;
    if (isLetter && isUpper !== nibble >= 8) return false;
  }
  return true;
}

/** Bytes of input to one permutation of keccak256, whose state is used again: nothing else runs before its hash is read. */
const KECCAK_RATE = 136;
const state = new Uint32Array(50);
const stateBytes = new Uint8Array(state.buffer);

/**
 * The state that begins with keccak256 of `text`, ASCII shorter than one block: an answer may have two thousand addresses, and what the
 * library does around a permutation (an object, two views, a copy) takes as long as the permutation where nothing is compiled yet.
 */
function keccakOfDigits(text: string): Uint8Array {
  state.fill(0);
  for (let at = 0; at < text.length; at += 1) stateBytes[at] = text.charCodeAt(at);
  stateBytes[text.length] = 0x01;
  stateBytes[KECCAK_RATE - 1] = 0x80;
  swap32IfBE(state);
  keccakP(state);
  swap32IfBE(state);
  return stateBytes;
}

function toBytes(path: string, json: ExactJson, length: number | null): string {
  const text = typeof json === "string" ? json.toLowerCase() : json;
  if (!isHex(text) || (length !== null && text.length !== 2 + 2 * length)) {
    const size = length === null ? "bytes" : `${length} bytes`;
    throw new OutputProblem(`${path} must be ${size} as 0x hex`);
  }
  return text;
}
