/** fast-check arbitraries for output types and for values that fit them, and the types' spelling. */

import fc from "fast-check";
import {
  formatFixed,
  integerRange,
  type BaseType,
  type OutputField,
  type OutputType,
  type OutputValue,
} from "../../protocol/index.ts";
import { plainText } from "./protocol-arbitraries.ts";

const elementary: fc.Arbitrary<BaseType> = fc.oneof(
  fc.constantFrom("bool", "address", "bytes").map((kind) => ({ kind })),
  fc.option(fc.integer({ min: 1, max: 65_536 })).map((maxBytes) => ({ kind: "string" as const, maxBytes })),
  fc.integer({ min: 1, max: 32 }).map((length) => ({ kind: "fixedBytes" as const, length })),
  fc
    .tuple(fc.boolean(), fc.integer({ min: 1, max: 32 }))
    .map(([signed, bytes]) => ({ kind: "integer" as const, signed, bits: 8 * bytes })),
  fc
    .tuple(fc.boolean(), fc.integer({ min: 1, max: 32 }), fc.integer({ min: 1, max: 80 }))
    .map(([signed, bytes, decimals]) => ({ kind: "fixed" as const, signed, bits: 8 * bytes, decimals })),
);

const description = fc.option(fc.string({ maxLength: 12 }).filter((text) => !/["\p{Cc}]/u.test(text)));
const arrays = fc.array(fc.option(fc.integer({ min: 1, max: 3 })), { maxLength: 2 });

function boundsOf(base: BaseType, a: bigint, b: bigint): OutputField["bounds"] {
  if (base.kind !== "integer" && base.kind !== "fixed") return null;
  const { min, max } = integerRange(base.signed, base.bits);
  const clamp = (value: bigint): bigint => min + (value % (max - min + 1n));
  const [low, high] = [clamp(a), clamp(b)];
  return low <= high ? { min: low, max: high } : { min: high, max: low };
}

function fieldOf(base: fc.Arbitrary<BaseType>): fc.Arbitrary<Omit<OutputField, "name">> {
  const far = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });
  return fc
    .tuple(base, arrays, fc.option(fc.tuple(far, far)), description)
    .map(([each, dimensions, ends, text]) => ({
      base: each,
      arrays: dimensions,
      bounds: ends === null ? null : boundsOf(each, ...ends),
      description: text,
    }));
}

function tupleOf(base: fc.Arbitrary<BaseType>): fc.Arbitrary<readonly OutputField[]> {
  const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,6}$/);
  return fc
    .uniqueArray(fc.tuple(name, fieldOf(base)), { minLength: 1, maxLength: 4, selector: ([each]) => each })
    .map((fields) => fields.map(([each, field]) => ({ name: each, ...field })));
}

const nested = fc.oneof(
  { weight: 4, arbitrary: elementary },
  { weight: 1, arbitrary: tupleOf(elementary).map((fields) => ({ kind: "tuple" as const, fields })) },
);

export const outputType: fc.Arbitrary<OutputType> = tupleOf(nested).map((fields) => ({ fields }));

type Elementary = Exclude<BaseType, { kind: "tuple" }>;

const baseName = (base: Elementary, space: () => string): string => {
  switch (base.kind) {
    case "fixedBytes":
      return `bytes${base.length}`;
    case "integer":
      return `${base.signed ? "" : "u"}int${base.bits}`;
    case "fixed":
      return `${base.signed ? "" : "u"}fixed${base.bits}x${base.decimals}`;
    case "string":
      return base.maxBytes === null ? "string" : `string${space()}<=${space()}${base.maxBytes}`;
    default:
      return base.kind;
  }
};

/** The text of a type, with the given whitespace between its tokens in turn. */
export function spellOutputType(type: OutputType, spaces: readonly string[]): string {
  let turn = 0;
  const space = (): string => spaces[turn++ % spaces.length] ?? "";
  const spellTuple = (fields: readonly OutputField[]): string =>
    `${space()}(${fields.map(spellField).join(`${space()},${space()}`)}${space()})`;
  const spellField = ({ base, arrays: dimensions, name, bounds, description: text }: OutputField): string => {
    const spelled = base.kind === "tuple" ? spellTuple(base.fields) : baseName(base, space);
    const suffix = dimensions.map((length) => `${space()}[${space()}${length ?? ""}${space()}]`).join("");
    const decimals = base.kind === "fixed" ? base.decimals : 0;
    const ends =
      bounds === null
        ? ""
        : ` ${formatFixed(bounds.min, decimals)}${space()}..${space()}${formatFixed(bounds.max, decimals)}`;
    return `${spelled}${suffix} ${name}${ends}${text === null ? "" : `${space()}"${text}"`}`;
  };
  return spellTuple(type.fields) + space();
}

const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString("hex")}`;

function baseValue(base: BaseType): fc.Arbitrary<OutputValue> {
  switch (base.kind) {
    case "bool":
      return fc.boolean();
    case "address":
      return fc.uint8Array({ minLength: 20, maxLength: 20 }).map(hex);
    case "string":
      // Four bytes a character at most.
      return plainText(Math.min(40, Math.floor((base.maxBytes ?? 160) / 4)));
    case "bytes":
      return fc.uint8Array({ maxLength: 70 }).map(hex);
    case "fixedBytes":
      return fc.uint8Array({ minLength: base.length, maxLength: base.length }).map(hex);
    case "integer":
    case "fixed":
      return fc.bigInt(integerRange(base.signed, base.bits));
    case "tuple":
      return fc.record(Object.fromEntries(base.fields.map((field) => [field.name, fieldValue(field)])), {
        noNullPrototype: true,
      });
  }
}

function fieldValue({ base, arrays: dimensions }: OutputField): fc.Arbitrary<OutputValue> {
  return dimensions.reduce<fc.Arbitrary<OutputValue>>(
    (inner, length) =>
      length === null
        ? fc.array(inner, { maxLength: 3 })
        : fc.array(inner, { minLength: length, maxLength: length }),
    baseValue(base),
  );
}

export function outputValues(type: OutputType): fc.Arbitrary<readonly OutputValue[]> {
  return fc.tuple(...type.fields.map(fieldValue));
}
