/** When two outputs of a format agree, and which of them is the smaller. */

import { fromUtf8, toHex } from "../../protocol/bytes.ts";
import { encodeCanonicalJson, type Json } from "../../protocol/canonical-json.ts";
import { decodeOutput, encodeOutput, type OutputValue } from "../../protocol/output-abi.ts";
import { parseOutputType, type BaseType, type OutputField } from "../../protocol/output-type.ts";
import { OutputKind, type OutputFormat } from "../../protocol/prompt.ts";

/**
 * Equal for outputs that agree. Text agrees by its bytes, a choice by its position, JSON by its value. Tuples agree when
 * all agrees but their strings, at any depth: models that agree give different reasons. A tuple of nothing but strings
 * agrees by its bytes.
 */
export function agreementKey(format: OutputFormat, output: Uint8Array): string {
  switch (format.kind) {
    case OutputKind.json:
      return jsonKey(output);
    case OutputKind.abi:
      return tupleKey(parseOutputType(format.schema).fields, output);
    case OutputKind.text:
    case OutputKind.choice:
      return toHex(output);
  }
}

/** A position for each output; null where a format has none. Of a tuple, its first number outside lists counts. */
export function orderOf(format: OutputFormat): ((output: Uint8Array) => bigint) | null {
  if (format.kind === OutputKind.choice) return (output) => BigInt(toHex(output));
  if (format.kind !== OutputKind.abi) return null;
  const type = parseOutputType(format.schema);
  const at = type.fields.findIndex(({ base, arrays }) => isNumber(base) && arrays.length === 0);
  if (at < 0) return null;
  return (output) => {
    const value = decodeOutput(type, output)[at];
    if (typeof value !== "bigint") throw new Error("a number decodes to a bigint");
    return value;
  };
}

function isNumber({ kind }: BaseType): boolean {
  return kind === "integer" || kind === "fixed";
}

/** Numbers that JSON's readers cannot tell apart, though they are not the same, agree by their digits. */
function jsonKey(output: Uint8Array): string {
  const exact = (_name: string, value: unknown, context: { readonly source?: string }): unknown => {
    const isExact = typeof value !== "number" || Number.isSafeInteger(value) || !Number.isInteger(value);
    return isExact && value !== Infinity && value !== -Infinity ? value : { digits: context.source ?? "" };
  };
  // The compiler's library does not know the third parameter yet.
  const json = JSON.parse(fromUtf8(output), exact as (name: string, value: unknown) => unknown) as Json;
  return toHex(encodeCanonicalJson(json));
}

function tupleKey(fields: readonly OutputField[], output: Uint8Array): string {
  const kept = withoutStrings(fields);
  if (kept.length === 0) return toHex(output);
  const values = decodeOutput({ fields }, output);
  const names = new Map(fields.map(({ name }, index) => [name, values[index]]));
  const chosen = kept.map((field) => strip(field, field.arrays.length, names.get(field.name) ?? ""));
  return toHex(encodeOutput({ fields: kept }, chosen));
}

function withoutStrings(fields: readonly OutputField[]): readonly OutputField[] {
  return fields.flatMap((field): readonly OutputField[] => {
    if (field.base.kind === "string") return [];
    if (field.base.kind !== "tuple") return [field];
    const base: BaseType = { kind: "tuple", fields: withoutStrings(field.base.fields) };
    return base.fields.length === 0 ? [] : [{ ...field, base }];
  });
}

/** The value with the members that `field` still has. */
function strip({ base, arrays }: OutputField, dimensions: number, value: OutputValue): OutputValue {
  if (dimensions > 0) {
    const items = value as readonly OutputValue[];
    const field = { name: "", base, arrays, bounds: null, description: null };
    return items.map((item) => strip(field, dimensions - 1, item));
  }
  if (base.kind !== "tuple") return value;
  const members = value as Readonly<Record<string, OutputValue>>;
  return Object.fromEntries(
    base.fields.map((inner) => [inner.name, strip(inner, inner.arrays.length, members[inner.name] ?? "")]),
  );
}
