/**
 * Our codec of output types beside two libraries: `ox`, which decodes as contracts do, and ethers. Rule: the bytes are the same, and
 * what is read is what they would write.
 */

import { AbiCoder, ParamType } from "ethers";
import fc from "fast-check";
import * as AbiParameters from "ox/AbiParameters";
import { expect, test } from "vitest";
import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { decodeOutput, encodeOutput, solidityTypes, type OutputValue } from "../../protocol/output-abi.ts";
import type { OutputType } from "../../protocol/output-type.ts";
import { outputType, outputValues } from "../support/output-arbitraries.ts";

const CASES = 10_000;

const typed = outputType.chain((type) => fc.tuple(fc.constant(type), outputValues(type)));

/** Libraries take tuples by position here, so that no field's name can clash with their own. */
const positional = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(positional);
  return typeof value === "object" && value !== null ? Object.values(value).map(positional) : value;
};

type Parameters = readonly { readonly type: string }[];

const parametersOf = (type: OutputType): Parameters =>
  ParamType.from(solidityTypes(type)).components!.map(
    (each) => JSON.parse(each.format("json")) as Parameters[number],
  );

const oxEncode = (type: OutputType, values: unknown): Hex =>
  AbiParameters.encode(parametersOf(type), positional(values) as never);

/** What `ox` reads of bytes that are just as it would write them; null for all others. */
function oxDecode(type: OutputType, bytes: Uint8Array<ArrayBuffer>): readonly unknown[] | null {
  try {
    const parameters = parametersOf(type);
    const values: readonly unknown[] = AbiParameters.decode(parameters, bytes);
    return AbiParameters.encode(parameters, values).toLowerCase() === toHex(bytes) ? values : null;
  } catch {
    return null;
  }
}

/** One spelling for what libraries spell in several ways: small integers, addresses. */
const spelled = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(spelled);
  if (typeof value === "object" && value !== null) return Object.values(value).map(spelled);
  if (typeof value === "number") return BigInt(value);
  return typeof value === "string" && value.startsWith("0x") ? value.toLowerCase() : value;
};

function decoded(type: OutputType, bytes: Uint8Array): readonly OutputValue[] | null {
  try {
    return decodeOutput(type, bytes);
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}

test(`${CASES} values of random types have the bytes that ox and ethers give them, and come back`, () => {
  fc.assert(
    fc.property(typed, ([type, values]) => {
      const output = encodeOutput(type, values);
      expect(toHex(output)).toBe(oxEncode(type, values).toLowerCase());
      const parameters = ParamType.from(solidityTypes(type)).components!;
      expect(toHex(output)).toBe(
        AbiCoder.defaultAbiCoder().encode(parameters, positional(values) as unknown[]),
      );
      expect(decodeOutput(type, output)).toEqual(values);
    }),
    { numRuns: CASES },
  );
});

interface Change {
  readonly how: "byte" | "word" | "cut" | "more";
  readonly at: number;
  readonly from: number;
  readonly byte: number;
}
const change: fc.Arbitrary<Change> = fc.record({
  how: fc.constantFrom("byte", "word", "cut", "more"),
  at: fc.nat(),
  from: fc.nat(),
  byte: fc.nat(255),
});

/** A byte changed, a word put in another's place, an end taken off, a word put behind. */
function mutated(output: Uint8Array, { how, at, from, byte }: Change): Uint8Array {
  const copy = output.slice();
  const word = (number: number): number => (number % (output.length / 32)) * 32;
  switch (how) {
    case "byte":
      copy[at % copy.length] = byte;
      return copy;
    case "word":
      copy.set(output.subarray(word(from), word(from) + 32), word(at));
      return copy;
    case "cut":
      return copy.slice(0, at % copy.length);
    case "more":
      return Uint8Array.from([...copy, ...output.subarray(0, 32)]);
  }
}

test(`${CASES} changed outputs are read as ox reads them, where it would write them so, and else refused`, () => {
  let [read, refused] = [0, 0];
  fc.assert(
    fc.property(typed, change, ([type, values], each) => {
      const bytes = fromHex(toHex(mutated(encodeOutput(type, values), each)));
      const theirs = oxDecode(type, bytes);
      const ours = decoded(type, bytes);
      if (theirs === null) {
        expect(ours).toBeNull();
        refused += 1;
      } else {
        expect(spelled(ours)).toEqual(spelled(theirs));
        read += 1;
      }
    }),
    { numRuns: CASES },
  );
  expect(Math.min(read, refused)).toBeGreaterThan(CASES / 20);
});
