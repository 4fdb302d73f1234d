/**
 * Output types such as `(bool flagged, uint8 severity 0..10 "how bad", string reason)`: what a contract asks a model
 * to fill in, and then decodes. The grammar is in docs/reference/protocol.md, Output.
 */

import { toUtf8 } from "./bytes.ts";
import { InputError } from "./errors.ts";
import { formatFixed, parseFixed } from "./fixed-point.ts";
import {
  MAX_DECIMALS,
  MAX_FIXED_ARRAY_LENGTH,
  MAX_OUTPUT_BYTES,
  MAX_OUTPUT_TYPE_BYTES,
  MAX_OUTPUT_TYPE_DEPTH,
  MAX_TUPLE_FIELDS,
} from "./limits.ts";

export type BaseType =
  | { readonly kind: "bool" | "address" | "bytes" }
  /** `maxBytes` counts UTF-8; null: as many as the request takes. */
  | { readonly kind: "string"; readonly maxBytes: number | null }
  | { readonly kind: "fixedBytes"; readonly length: number }
  | { readonly kind: "integer"; readonly signed: boolean; readonly bits: number }
  /** Encoded as an integer of `bits`: the value times 10^decimals. */
  | { readonly kind: "fixed"; readonly signed: boolean; readonly bits: number; readonly decimals: number }
  | { readonly kind: "tuple"; readonly fields: readonly OutputField[] };

export interface OutputField {
  readonly name: string;
  readonly base: BaseType;
  /** Inner to outer; `null` is a length that is free. */
  readonly arrays: readonly (number | null)[];
  /** Both ends included; of the numbers themselves when the field is an array. Of a `fixed`, scaled as its values are. */
  readonly bounds: { readonly min: bigint; readonly max: bigint } | null;
  readonly description: string | null;
}

export interface OutputType {
  readonly fields: readonly OutputField[];
}

const TOKEN =
  /\s*(?:(\.\.|<=|[(),[\]])|([A-Za-z][A-Za-z0-9_]*)|(-?[0-9]{1,78}(?:\.[0-9]{1,80})?)|"([^"\p{Cc}]*)")/uy;

/** In the order of the groups of `TOKEN`, of which one matches. */
const TOKEN_KINDS = ["mark", "word", "number", "text"] as const;

const WHOLE = /^[1-9][0-9]{0,6}$/;

type Token =
  | { readonly kind: (typeof TOKEN_KINDS)[number]; readonly text: string }
  | { readonly kind: "end"; readonly text: "" };

const END: Token = { kind: "end", text: "" };

function tokenize(source: string): readonly Token[] {
  const tokens: Token[] = [];
  const text = source.trimEnd();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw invalid(`cannot read "${text.slice(at, at + 20).trim()}"`, at);
    for (const [index, kind] of TOKEN_KINDS.entries()) {
      const found = match[index + 1];
      if (found !== undefined) tokens.push({ kind, text: found });
    }
  }
  return tokens;
}

function invalid(what: string, at?: number): InputError {
  return new InputError({
    code: "INPUT_INVALID",
    message: `output type: ${what}; write it like (bool flagged, uint8 severity 0..10, string reason)`,
    details: at === undefined ? {} : { at },
  });
}

/**
 * Parses an output type.
 *
 * @throws {InputError} INPUT_INVALID naming what cannot be read; INPUT_TOO_LARGE past a limit
 */
export function parseOutputType(source: string): OutputType {
  const size = toUtf8(source).length;
  if (size > MAX_OUTPUT_TYPE_BYTES)
    throw new InputError({ code: "INPUT_TOO_LARGE", message: "output type is too long", details: { size } });
  const cursor = createCursor(tokenize(source));
  const fields = parseTuple(cursor, 1);
  if (cursor.peek().kind !== "end") throw invalid(`"${cursor.peek().text}" follows the closing bracket`);
  return { fields };
}

interface Cursor {
  readonly peek: () => Token;
  readonly next: () => Token;
  /** Consumes the mark when it comes next. */
  readonly take: (mark: string) => boolean;
  readonly expect: (mark: string) => void;
}

function createCursor(tokens: readonly Token[]): Cursor {
  let at = 0;
  const peek = (): Token => tokens[at] ?? END;
  const next = (): Token => tokens[at++] ?? END;
  const take = (mark: string): boolean => {
    const found = peek().kind === "mark" && peek().text === mark;
    if (found) at++;
    return found;
  };
  const expect = (mark: string): void => {
    if (!take(mark)) throw invalid(`expected "${mark}", found "${peek().text}"`);
  };
  return { peek, next, take, expect };
}

function parseTuple(cursor: Cursor, depth: number): readonly OutputField[] {
  if (depth > MAX_OUTPUT_TYPE_DEPTH) {
    throw new InputError({
      code: "INPUT_TOO_LARGE",
      message: `output type nests deeper than ${MAX_OUTPUT_TYPE_DEPTH}`,
    });
  }
  cursor.expect("(");
  const fields: OutputField[] = [];
  do fields.push(parseField(cursor, depth));
  while (cursor.take(","));
  cursor.expect(")");
  if (fields.length > MAX_TUPLE_FIELDS) {
    throw new InputError({
      code: "INPUT_TOO_LARGE",
      message: `a tuple has at most ${MAX_TUPLE_FIELDS} fields`,
    });
  }
  const names = new Set(fields.map(({ name }) => name));
  if (names.size !== fields.length) throw invalid("two fields of one tuple have the same name");
  return fields;
}

function parseField(cursor: Cursor, depth: number): OutputField {
  const base: BaseType =
    cursor.peek().text === "(" && cursor.peek().kind === "mark"
      ? { kind: "tuple", fields: parseTuple(cursor, depth + 1) }
      : elementary(cursor);
  const arrays = parseArrays(cursor);
  const name = cursor.next();
  if (name.kind !== "word") throw invalid(`expected a field's name, found "${name.text}"`);
  const bounds = parseBounds(cursor, base);
  const description = cursor.peek().kind === "text" ? cursor.next().text : null;
  return { name: name.text, base, arrays, bounds, description };
}

function elementary(cursor: Cursor): BaseType {
  const token = cursor.next();
  const { text } = token;
  if (token.kind === "word") {
    if (text === "bool" || text === "address" || text === "bytes") return { kind: text };
    if (text === "string") return { kind: "string", maxBytes: parseMaxBytes(cursor) };
    const length = Number(/^bytes([1-9][0-9]?)$/.exec(text)?.[1]);
    if (length <= 32) return { kind: "fixedBytes", length };
    const number = numberType(text);
    if (number !== null) return number;
  }
  throw invalid(
    `"${text}" is no type (bool, address, string, string<=N, bytes, bytesN, uintN, intN, ufixedMxN, fixedMxN, with N ` +
      "and M written out)",
  );
}

const NUMBER_TYPE = /^(u?)(?:int([1-9][0-9]{0,2})|fixed([1-9][0-9]{0,2})x([1-9][0-9]?))$/;

function numberType(text: string): BaseType | null {
  const [, unsigned = "", ofInteger, ofFixed, digits] = NUMBER_TYPE.exec(text) ?? [];
  const bits = Number(ofInteger ?? ofFixed);
  const signed = unsigned === "";
  if (!(bits <= 256 && bits % 8 === 0)) return null;
  if (digits === undefined) return { kind: "integer", signed, bits };
  const decimals = Number(digits);
  return decimals <= MAX_DECIMALS ? { kind: "fixed", signed, bits, decimals } : null;
}

function parseMaxBytes(cursor: Cursor): number | null {
  if (!cursor.take("<=")) return null;
  const { kind, text } = cursor.next();
  const maxBytes = kind === "number" && WHOLE.test(text) ? Number(text) : 0;
  if (maxBytes < 1 || maxBytes > MAX_OUTPUT_BYTES)
    throw invalid(`a string has at most 1 to ${MAX_OUTPUT_BYTES} bytes, found "${text}"`);
  return maxBytes;
}

function parseArrays(cursor: Cursor): readonly (number | null)[] {
  const arrays: (number | null)[] = [];
  while (cursor.take("[")) {
    const length = cursor.peek().kind === "number" ? Number(cursor.next().text) : null;
    if (length !== null && (!Number.isInteger(length) || length < 1 || length > MAX_FIXED_ARRAY_LENGTH))
      throw invalid(`an array's length is 1 to ${MAX_FIXED_ARRAY_LENGTH}`);
    cursor.expect("]");
    arrays.push(length);
  }
  if (arrays.length > MAX_OUTPUT_TYPE_DEPTH) throw invalid("too many array dimensions");
  return arrays;
}

/** The values that an integer type can hold. */
export function integerRange(signed: boolean, bits: number): { readonly min: bigint; readonly max: bigint } {
  return signed
    ? { min: -(2n ** BigInt(bits - 1)), max: 2n ** BigInt(bits - 1) - 1n }
    : { min: 0n, max: 2n ** BigInt(bits) - 1n };
}

/** The number types have bounds, in their own spelling: `0..10`, `0.25..0.75`. */
function parseBounds(cursor: Cursor, base: BaseType): OutputField["bounds"] {
  if (cursor.peek().kind !== "number") return null;
  const first = cursor.next().text;
  cursor.expect("..");
  const last = cursor.next();
  if (last.kind !== "number") throw invalid(`expected the upper bound, found "${last.text}"`);
  if (base.kind !== "integer" && base.kind !== "fixed") throw invalid("only numbers have bounds");
  const decimals = base.kind === "fixed" ? base.decimals : 0;
  const [min, max] = [parseFixed(first, decimals), parseFixed(last.text, decimals)];
  const range = integerRange(base.signed, base.bits);
  if (min === null || max === null || min > max || min < range.min || max > range.max)
    throw invalid(`bounds ${first}..${last.text} do not fit the type`);
  return { min, max };
}

/** The least and the largest number that a field takes, as a person writes them. */
export function spellBounds(
  base: Extract<BaseType, { kind: "integer" | "fixed" }>,
  bounds: OutputField["bounds"],
): { readonly min: string; readonly max: string } {
  const { min, max } = bounds ?? integerRange(base.signed, base.bits);
  const decimals = base.kind === "fixed" ? base.decimals : 0;
  return { min: formatFixed(min, decimals), max: formatFixed(max, decimals) };
}
