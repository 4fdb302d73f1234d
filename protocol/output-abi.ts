/**
 * Values of an output type to and from the bytes that a contract decodes. In one pass each way, since models and the servers of
 * chains choose what is read here, and a panel of seven reads 64 KiB as often: a library took ten times as long to decode.
 */

import { fromHex, fromUtf8, isPlainText, toHex, toUtf8 } from "./bytes.ts";
import { InputError } from "./errors.ts";
import { layOut, WORD, type Layout, type Members, type WordLayout } from "./output-layout.ts";
import type { BaseType, OutputField, OutputType } from "./output-type.ts";

/** A decoded value: integers are bigint, and so are fixed-point numbers, scaled; bytes and addresses lower-case hex, tuples objects by field name. */
export type OutputValue =
  boolean | bigint | string | readonly OutputValue[] | { readonly [field: string]: OutputValue };

/** The Solidity types in order, as in `abi.decode(output, (bool,uint8,string))`. */
export function solidityTypes(type: OutputType): string {
  const spell = ({ base, arrays }: OutputField): string => {
    const suffix = arrays.map((length) => (length === null ? "[]" : `[${length}]`)).join("");
    const name = base.kind === "tuple" ? `(${base.fields.map(spell).join(",")})` : baseName(base);
    return `${name}${suffix}`;
  };
  return `(${type.fields.map(spell).join(",")})`;
}

function baseName(base: BaseType): string {
  switch (base.kind) {
    case "fixedBytes":
      return `bytes${base.length}`;
    case "integer":
    case "fixed":
      return `${base.signed ? "" : "u"}int${base.bits}`;
    default:
      return base.kind;
  }
}

/**
 * `abi.encode(field1, field2, …)`.
 *
 * @param values one per field, already checked against the type and its bounds
 * @throws {InputError} INPUT_INVALID for a value that does not fit its type, or a string that is not plain text
 */
export function encodeOutput(type: OutputType, values: readonly OutputValue[]): Uint8Array<ArrayBuffer> {
  const members = layOut(type.fields);
  // Measured first: a list of a wrong length is refused before its bytes are asked for.
  const writer = new Writer(measure(members, values));
  writer.writeMembers(members, values);
  return writer.bytes;
}

function unfit(what: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message: `values do not fit the output type: ${what}` });
}

/** Bytes of values that stand one after another: their heads, and what these point to. */
function measure({ layouts, headBytes }: Members, values: readonly OutputValue[]): number {
  if (values.length !== layouts.length) throw unfit(`${layouts.length} are needed`);
  return layouts.reduce((bytes, layout, at) => bytes + measureTail(layout, values[at]), headBytes);
}

/** Bytes that a value has beside its head. */
function measureTail(layout: Layout, value: OutputValue | undefined): number {
  switch (layout.kind) {
    case "string":
      return WORD + padded(toUtf8(plainText(value)).length);
    case "bytes":
      return WORD + padded(hexText(value).length / 2 - 1);
    case "tuple": {
      const bytes = measure(layout.members, membersOf(layout.names, value));
      return layout.isDynamic ? bytes : bytes - layout.headBytes;
    }
    case "list": {
      const items = itemsOf(layout.length, value);
      const tails = items.reduce((bytes, item) => bytes + measureTail(layout.item, item), 0);
      if (!layout.isDynamic) return tails;
      return (layout.length === null ? WORD : 0) + items.length * layout.item.headBytes + tails;
    }
    default:
      return 0;
  }
}

function padded(bytes: number): number {
  return Math.ceil(bytes / WORD) * WORD;
}

function plainText(value: OutputValue | undefined): string {
  if (typeof value !== "string") throw unfit("a string is needed");
  if (!isPlainText(value)) throw unfit("a string holds a lone surrogate or begins with a byte order mark");
  return value;
}

function hexText(value: OutputValue | undefined): string {
  if (typeof value !== "string") throw unfit("hex is needed");
  return value;
}

function isList(value: OutputValue | undefined): value is readonly OutputValue[] {
  return Array.isArray(value);
}

function itemsOf(length: number | null, value: OutputValue | undefined): readonly OutputValue[] {
  if (!isList(value) || (length !== null && value.length !== length)) throw unfit("a list is needed");
  return value;
}

function membersOf(names: readonly string[], value: OutputValue | undefined): readonly OutputValue[] {
  if (typeof value !== "object" || isList(value)) throw unfit("a tuple is needed");
  return names.map((name) => {
    const member = Object.hasOwn(value, name) ? value[name] : undefined;
    if (member === undefined) throw unfit(`${name} is missing`);
    return member;
  });
}

class Writer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  /** Where the next value begins that a head points to. */
  #end = 0;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
    this.#view = new DataView(this.bytes.buffer);
  }

  #reserve(bytes: number): number {
    const at = this.#end;
    this.#end += bytes;
    return at;
  }

  writeMembers({ layouts, headBytes }: Members, values: readonly OutputValue[]): void {
    this.#writeHeads((at) => layouts[at], values, this.#reserve(headBytes));
  }

  /** Offsets count from the first of the heads. */
  #writeHeads(
    layoutOf: (at: number) => Layout | undefined,
    values: readonly OutputValue[],
    start: number,
  ): void {
    let at = start;
    for (const [index, value] of values.entries()) {
      const layout = layoutOf(index);
      if (layout === undefined) throw unfit("a value is one too many");
      if (layout.isDynamic) {
        this.#writeNumber(at, this.#end - start);
        this.#writeTail(layout, value);
      } else {
        this.#writeInPlace(layout, value, at);
      }
      at += layout.headBytes;
    }
  }

  #writeTail(layout: Layout, value: OutputValue): void {
    switch (layout.kind) {
      case "string":
        this.#writeBytes(toUtf8(plainText(value)));
        return;
      case "bytes":
        this.#writeBytes(fromHex(hexText(value)));
        return;
      case "tuple":
        this.writeMembers(layout.members, membersOf(layout.names, value));
        return;
      case "list": {
        const items = itemsOf(layout.length, value);
        if (layout.length === null) this.#writeNumber(this.#reserve(WORD), items.length);
        this.#writeHeads(() => layout.item, items, this.#reserve(items.length * layout.item.headBytes));
        return;
      }
      default:
        throw unfit("it has no tail");
    }
  }

  #writeInPlace(layout: Layout, value: OutputValue, at: number): void {
    switch (layout.kind) {
      case "tuple":
        this.#writeHeads((index) => layout.members.layouts[index], membersOf(layout.names, value), at);
        return;
      case "list":
        this.#writeHeads(() => layout.item, itemsOf(layout.length, value), at);
        return;
      case "string":
      case "bytes":
        throw unfit("it does not stand in place");
      default:
        this.#writeWord(layout, value, at);
    }
  }

  #writeBytes(bytes: Uint8Array): void {
    this.#writeNumber(this.#reserve(WORD), bytes.length);
    this.bytes.set(bytes, this.#reserve(padded(bytes.length)));
  }

  #writeWord(layout: WordLayout, value: OutputValue, at: number): void {
    switch (layout.kind) {
      case "bool":
        if (typeof value !== "boolean") throw unfit("a boolean is needed");
        this.bytes[at + WORD - 1] = value ? 1 : 0;
        return;
      case "address":
        this.bytes.set(fromHex(hexText(value), 20), at + WORD - 20);
        return;
      case "fixedBytes":
        this.bytes.set(fromHex(hexText(value), layout.length), at);
        return;
      case "integer":
        if (typeof value !== "bigint" || value < layout.min || value > layout.max)
          throw unfit("a number of its range is needed");
        this.#writeInteger(at, value);
    }
  }

  #writeInteger(at: number, value: bigint): void {
    for (let rest = value, part = 24; part >= 0 && rest !== 0n; part -= 8, rest >>= 64n)
      this.#view.setBigUint64(at + part, BigInt.asUintN(64, rest));
  }

  /** A length or an offset: below the size of any memory. */
  #writeNumber(at: number, value: number): void {
    this.#view.setUint32(at + WORD - 4, value);
  }
}

/**
 * The values of an ok answer's `output`. Only the canonical encoding is accepted: each value where the encoder would have
 * put it, in the bytes that it would have written, and nothing beside.
 *
 * @throws {InputError} INPUT_INVALID
 */
export function decodeOutput(type: OutputType, output: Uint8Array): readonly OutputValue[] {
  try {
    const reader = new Reader(output);
    const values = reader.readMembers(layOut(type.fields));
    reader.checkEnd();
    return values;
  } catch (cause) {
    if (!(cause instanceof InputError)) throw cause;
    throw new InputError({ code: "INPUT_INVALID", message: "output is not of its output type", cause });
  }
}

function malformed(what: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message: what });
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Where the next value begins that a head points to: canonical offsets leave nothing out and lead nowhere twice. */
  #end = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  checkEnd(): void {
    if (this.#end !== this.#bytes.length) throw malformed("bytes follow the last value");
  }

  /** What is claimed is there, before anything is made of it. */
  #take(bytes: number): number {
    const at = this.#end;
    if (!(at + bytes <= this.#bytes.length)) throw malformed("a value goes beyond the end");
    this.#end += bytes;
    return at;
  }

  readMembers({ layouts, headBytes }: Members): readonly OutputValue[] {
    const start = this.#take(headBytes);
    let at = start;
    return layouts.map((layout) => {
      const value = this.#read(layout, at, start);
      at += layout.headBytes;
      return value;
    });
  }

  /** @param start of the heads that this one stands among, from which offsets count */
  #read(layout: Layout, at: number, start: number): OutputValue {
    if (!layout.isDynamic) return this.#readInPlace(layout, at);
    if (this.#readNumber(at) !== this.#end - start) throw malformed("an offset is not canonical");
    return this.#readTail(layout);
  }

  #readTail(layout: Layout): OutputValue {
    switch (layout.kind) {
      case "string":
        return plainText(fromUtf8(this.#readBytes()));
      case "bytes":
        return toHex(this.#readBytes());
      case "tuple":
        return named(layout.names, this.readMembers(layout.members));
      case "list": {
        const length = layout.length ?? this.#readNumber(this.#take(WORD));
        const start = this.#take(length * layout.item.headBytes);
        return this.#readItems(layout.item, length, start);
      }
      default:
        throw malformed("it has no tail");
    }
  }

  #readInPlace(layout: Layout, at: number): OutputValue {
    switch (layout.kind) {
      case "tuple": {
        let next = at;
        const values = layout.members.layouts.map((member) => {
          const value = this.#readInPlace(member, next);
          next += member.headBytes;
          return value;
        });
        return named(layout.names, values);
      }
      case "list":
        return this.#readItems(layout.item, layout.length ?? 0, at);
      case "string":
      case "bytes":
        throw malformed("it does not stand in place");
      default:
        return this.#readWord(layout, at);
    }
  }

  #readItems(item: Layout, length: number, start: number): readonly OutputValue[] {
    return Array.from({ length }, (_, index) => this.#read(item, start + index * item.headBytes, start));
  }

  #readBytes(): Uint8Array {
    const length = this.#readNumber(this.#take(WORD));
    const at = this.#take(padded(length));
    this.#checkZeros(at + length, this.#end);
    return this.#bytes.subarray(at, at + length);
  }

  #readWord(layout: WordLayout, at: number): OutputValue {
    switch (layout.kind) {
      case "bool": {
        const value = this.#readNumber(at);
        if (value > 1) throw malformed("a boolean is 0 or 1");
        return value === 1;
      }
      case "address":
        this.#checkZeros(at, at + WORD - 20);
        return toHex(this.#bytes.subarray(at + WORD - 20, at + WORD));
      case "fixedBytes":
        this.#checkZeros(at + layout.length, at + WORD);
        return toHex(this.#bytes.subarray(at, at + layout.length));
      case "integer": {
        const value = this.#readInteger(at, layout.signed);
        if (value < layout.min || value > layout.max) throw malformed("a number is out of its range");
        return value;
      }
    }
  }

  #readInteger(at: number, signed: boolean): bigint {
    let value = signed ? this.#view.getBigInt64(at) : this.#view.getBigUint64(at);
    for (let part = 8; part < WORD; part += 8) value = (value << 64n) | this.#view.getBigUint64(at + part);
    return value;
  }

  /** A length or an offset: what needs more than 32 bits leads beyond any output. */
  #readNumber(at: number): number {
    this.#checkZeros(at, at + WORD - 4);
    return this.#view.getUint32(at + WORD - 4);
  }

  #checkZeros(from: number, to: number): void {
    for (let at = from; at < to; at += 1) if (this.#bytes[at] !== 0) throw malformed("a byte must be zero");
  }
}

function named(names: readonly string[], values: readonly OutputValue[]): OutputValue {
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? ""]));
}
