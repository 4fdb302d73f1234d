/** Values of an output type to and from the bytes that a contract decodes. */

import * as AbiParameters from "ox/AbiParameters";
import { fromHex, isPlainText, toHex } from "./bytes.ts";
import { InputError } from "./errors.ts";
import type { BaseType, OutputField, OutputType } from "./output-type.ts";

/** A decoded value: integers are bigint, and so are fixed-point numbers, scaled; bytes and addresses lower-case hex, tuples objects by field name. */
export type OutputValue =
  boolean | bigint | string | readonly OutputValue[] | { readonly [field: string]: OutputValue };

interface AbiParameter {
  readonly name: string;
  readonly type: string;
  readonly components?: readonly AbiParameter[];
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

function toAbiParameter({ name, base, arrays }: OutputField): AbiParameter {
  const suffix = arrays.map((length) => (length === null ? "[]" : `[${length}]`)).join("");
  const type = `${baseName(base)}${suffix}`;
  return base.kind === "tuple" ? { name, type, components: base.fields.map(toAbiParameter) } : { name, type };
}

/** The Solidity types in order, as in `abi.decode(output, (bool,uint8,string))`. */
export function solidityTypes(type: OutputType): string {
  const spell = ({ base, arrays }: OutputField): string => {
    const suffix = arrays.map((length) => (length === null ? "[]" : `[${length}]`)).join("");
    const name = base.kind === "tuple" ? `(${base.fields.map(spell).join(",")})` : baseName(base);
    return `${name}${suffix}`;
  };
  return `(${type.fields.map(spell).join(",")})`;
}

/**
 * `abi.encode(field1, field2, …)`.
 *
 * @param values one per field, already checked against the type and its bounds
 * @throws {InputError} INPUT_INVALID for a value that does not fit its type, or a string that is not plain text
 */
export function encodeOutput(type: OutputType, values: readonly OutputValue[]): Uint8Array<ArrayBuffer> {
  if (!isPlain(values)) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "a string holds a lone surrogate or begins with a byte order mark",
    });
  }
  try {
    const parameters: readonly unknown[] = type.fields.map(toAbiParameter);
    return fromHex(AbiParameters.encode(parameters, values as never).toLowerCase());
  } catch (cause) {
    throw new InputError({ code: "INPUT_INVALID", message: "values do not fit the output type", cause });
  }
}

function isPlain(value: OutputValue): boolean {
  if (typeof value === "string") return isPlainText(value);
  return typeof value === "object" ? Object.values(value).every(isPlain) : true;
}

/**
 * The values of an ok answer's `output`. Only the canonical encoding is accepted.
 *
 * @throws {InputError} INPUT_INVALID
 */
export function decodeOutput(type: OutputType, output: Uint8Array): readonly OutputValue[] {
  const malformed = (cause?: unknown): InputError =>
    new InputError({ code: "INPUT_INVALID", message: "output is not of its output type", cause });
  let values: readonly OutputValue[];
  try {
    const parameters: readonly unknown[] = type.fields.map(toAbiParameter);
    const decoded = AbiParameters.decode(parameters as readonly AbiParameter[], new Uint8Array(output));
    values = type.fields.map((field, index) => normalise(field, decoded[index], 0));
  } catch (cause) {
    throw malformed(cause);
  }
  if (toHex(encodeOutput(type, values)) !== toHex(output)) throw malformed();
  return values;
}

/** The library gives small integers as numbers and checksummed addresses: one spelling instead. */
function normalise(field: OutputField, value: unknown, depth: number): OutputValue {
  if (depth < field.arrays.length)
    return (value as readonly unknown[]).map((item) => normalise(field, item, depth + 1));
  switch (field.base.kind) {
    case "tuple": {
      const members = value as Readonly<Record<string, unknown>>;
      return Object.fromEntries(
        field.base.fields.map((inner) => [inner.name, normalise(inner, members[inner.name], 0)]),
      );
    }
    case "integer":
    case "fixed":
      return BigInt(value as bigint | number);
    case "address":
      return (value as string).toLowerCase();
    case "bool":
      return value as boolean;
    case "string":
    case "bytes":
    case "fixedBytes":
      return value as string;
  }
}
