/**
 * Output types such as `(bool flagged, uint8 severity 0..10 "how bad", string reason)`: what a contract asks a model
 * to fill in, and then decodes. The grammar is in docs/reference/protocol.md, Output.
 */

import { toUtf8 } from "./bytes.ts";
import { InputError } from "./errors.ts";
import {
  MAX_FIXED_ARRAY_LENGTH,
  MAX_OUTPUT_TYPE_BYTES,
  MAX_OUTPUT_TYPE_DEPTH,
  MAX_TUPLE_FIELDS,
} from "./limits.ts";

export type BaseType =
  | { readonly kind: "bool" | "address" | "string" | "bytes" }
  | { readonly kind: "fixedBytes"; readonly length: number }
  | { readonly kind: "integer"; readonly signed: boolean; readonly bits: number }
  | { readonly kind: "tuple"; readonly fields: readonly OutputField[] };

export interface OutputField {
  readonly name: string;
  readonly base: BaseType;
  /** Inner to outer; `null` is a length that is free. */
  readonly arrays: readonly (number | null)[];
  /** Both ends included; of the integers themselves when the field is an array. */
  readonly bounds: { readonly min: bigint; readonly max: bigint } | null;
  readonly description: string | null;
}

export interface OutputType {
  readonly fields: readonly OutputField[];
}

const TOKEN = /\s*(?:(\.\.|[(),[\]])|([A-Za-z][A-Za-z0-9_]*)|(-?[0-9]{1,78})|"([^"\p{Cc}]*)")/uy;

/** In the order of the groups of `TOKEN`, of which one matches. */
const TOKEN_KINDS = ["mark", "word", "integer", "text"] as const;

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
  if (size > MAX_OUTPUT_TYPE_BYTES) {
    throw new InputError({ code: "INPUT_TOO_LARGE", message: "output type is too long", details: { size } });
  }
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
  do {
    fields.push(parseField(cursor, depth));
  } while (cursor.take(","));
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
      : elementary(cursor.next());
  const arrays = parseArrays(cursor);
  const name = cursor.next();
  if (name.kind !== "word") throw invalid(`expected a field's name, found "${name.text}"`);
  const bounds = parseBounds(cursor, base);
  const description = cursor.peek().kind === "text" ? cursor.next().text : null;
  return { name: name.text, base, arrays, bounds, description };
}

function elementary(token: Token): BaseType {
  const { text } = token;
  if (token.kind === "word") {
    if (text === "bool" || text === "address" || text === "string" || text === "bytes") return { kind: text };
    const fixed = /^bytes([1-9][0-9]?)$/.exec(text)?.[1];
    if (fixed !== undefined && Number(fixed) <= 32) return { kind: "fixedBytes", length: Number(fixed) };
    const integer = /^(u?)int([1-9][0-9]{0,2})$/.exec(text);
    const bits = Number(integer?.[2]);
    if (integer !== null && bits <= 256 && bits % 8 === 0) {
      return { kind: "integer", signed: integer[1] === "", bits };
    }
  }
  throw invalid(
    `"${text}" is no type (bool, address, string, bytes, bytesN, uintN, intN with N written out)`,
  );
}

function parseArrays(cursor: Cursor): readonly (number | null)[] {
  const arrays: (number | null)[] = [];
  while (cursor.take("[")) {
    const length = cursor.peek().kind === "integer" ? Number(cursor.next().text) : null;
    if (length !== null && (length < 1 || length > MAX_FIXED_ARRAY_LENGTH)) {
      throw invalid(`an array's length is 1 to ${MAX_FIXED_ARRAY_LENGTH}`);
    }
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

function parseBounds(cursor: Cursor, base: BaseType): OutputField["bounds"] {
  if (cursor.peek().kind !== "integer") return null;
  const min = BigInt(cursor.next().text);
  cursor.expect("..");
  const end = cursor.next();
  if (end.kind !== "integer") throw invalid(`expected the upper bound, found "${end.text}"`);
  const max = BigInt(end.text);
  if (base.kind !== "integer") throw invalid("only integers have bounds");
  const range = integerRange(base.signed, base.bits);
  if (min > max || min < range.min || max > range.max)
    throw invalid(`bounds ${min}..${max} do not fit the type`);
  return { min, max };
}
