import { AbiCoder, ParamType } from "ethers";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as p from "../../protocol/index.ts";
import { codeOf } from "../support/code-of.ts";
import { outputType, outputValues } from "../support/output-arbitraries.ts";

const typed = outputType.chain((type) => fc.tuple(fc.constant(type), outputValues(type)));

/** ethers takes tuples by position here, so that no field's name can clash with its own. */
const positional = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(positional);
  return typeof value === "object" && value !== null ? Object.values(value).map(positional) : value;
};

test("the bytes are ethers' abi.encode, and decode to the same values", () => {
  fc.assert(
    fc.property(typed, ([type, values]) => {
      const parameters = ParamType.from(p.solidityTypes(type)).components!;
      const output = p.encodeOutput(type, values);
      expect(p.toHex(output)).toBe(
        AbiCoder.defaultAbiCoder().encode(parameters, positional(values) as unknown[]),
      );
      expect(p.decodeOutput(type, output)).toEqual(values);
    }),
    { numRuns: 200 },
  );
});

test("truncated, extended or mutated output is refused, or has the one encoding of what it decodes to", () => {
  fc.assert(
    fc.property(typed, fc.nat(), fc.nat(255), ([type, values], at, byte) => {
      const output = p.encodeOutput(type, values);
      const mutated = output.slice();
      mutated[at % output.length] = byte;
      const inputs = [
        mutated,
        output.subarray(0, at % output.length),
        p.concatBytes(output, new Uint8Array(32)),
      ];
      for (const input of inputs) {
        expect(
          codeOf(() => {
            expect(p.encodeOutput(type, p.decodeOutput(type, input))).toEqual(new Uint8Array(input));
          }),
        ).toMatch(/^(INPUT_INVALID|nothing thrown)$/);
      }
      expect(codeOf(() => p.decodeOutput(type, inputs[1]!))).toBe("INPUT_INVALID");
      expect(codeOf(() => p.decodeOutput(type, inputs[2]!))).toBe("INPUT_INVALID");
    }),
  );
});

const word = (value: bigint | number): string => BigInt(value).toString(16).padStart(64, "0");

test.for([
  ["a bool of 2", "(bool a)", word(2)],
  ["an address with dirty upper bytes", "(address a)", "01".padEnd(64, "0")],
  ["a uint8 of 256", "(uint8 a)", word(256)],
  ["an int8 not sign-extended", "(int8 a)", word(255)],
  ["bytes4 with dirty lower bytes", "(bytes4 a)", "ff".repeat(32)],
  ["bytes with dirty padding", "(bytes a)", `${word(32)}${word(1)}${"ff".repeat(32)}`],
  ["a string that is not UTF-8", "(string a)", `${word(32)}${word(1)}${"ff".padEnd(64, "0")}`],
  ["a string with a byte order mark", "(string a)", `${word(32)}${word(3)}${"efbbbf".padEnd(64, "0")}`],
  ["an offset that skips a word", "(bytes a)", `${word(64)}${word(0)}${word(0)}`],
  ["an array that claims 2^255 items", "(uint8[] a)", `${word(32)}${word(2n ** 255n)}`],
  ["four billion integers", "(uint8[256][256][256][256] a)", word(0).repeat(2_048)],
  ["strings that all point to one place", "(string[256][256] a)", word(32).repeat(2_048)],
  ["arrays that contain themselves", "(string[][][][] a)", word(32) + word(2_000) + word(0).repeat(2_040)],
] as const)("refuses %s", ([, type, output]) => {
  expect(codeOf(() => p.decodeOutput(p.parseOutputType(type), p.fromHex(`0x${output}`)))).toBe(
    "INPUT_INVALID",
  );
});

test.for([
  ["an integer past its type", "(uint8 a)", [256n]],
  ["a negative unsigned integer", "(uint8 a)", [-1n]],
  ["an integer past a signed type", "(int8 a)", [128n]],
  ["a value too few", "(bool a, bool b)", [true]],
  ["a value too many", "(bool a)", [true, true]],
  ["a fixed array of another length", "(bool[2] a)", [[true]]],
  ["fixed bytes of another length", "(bytes4 a)", ["0x01"]],
  ["a word for a bool", "(bool a)", ["true"]],
  ["an address of 19 bytes", "(address a)", [`0x${"ab".repeat(19)}`]],
  ["a lone surrogate", "(string a)", ["\ud800"]],
  ["a byte order mark deep inside", "((string a)[] b)", [[{ a: "\ufeffx" }]]],
] as const)("does not encode %s", ([, type, values]) => {
  expect(codeOf(() => p.encodeOutput(p.parseOutputType(type), values))).toBe("INPUT_INVALID");
});

test("an address comes out in lower case, in one spelling", () => {
  const type = p.parseOutputType("(address a)");
  const output = AbiCoder.defaultAbiCoder().encode(["address"], [`0x${"ab".repeat(20)}`]) as p.Hex;
  expect(p.decodeOutput(type, p.fromHex(output))).toEqual([`0x${"ab".repeat(20)}`]);
});
