import { AbiCoder, keccak256 } from "ethers";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as p from "../../protocol/index.ts";
import { codeOf } from "../support/code-of.ts";

const hex = (bytes: number): fc.Arbitrary<p.Hex> =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => p.toHex(value));
const uint = (bits: number): fc.Arbitrary<bigint> => fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });

const request: fc.Arbitrary<p.FunctionsRequest> = fc.record({
  chainId: uint(256),
  consumer: hex(20),
  nonce: uint(256),
  payloadHash: hex(32),
  policyId: hex(32),
  policyVersion: uint32,
  maxOutputBytes: uint32,
  deadline: uint(64),
});

const TYPES = ["uint256", "address", "uint256", "bytes32", "bytes32", "uint32", "uint32", "uint64"];
const abi = AbiCoder.defaultAbiCoder();
const sample = fc.sample(request, { numRuns: 1, seed: 7 })[0]!;
const call = p.encodeFunctionsCall({ request: sample, payload: p.toUtf8("payload") });

test("a request's id is keccak of its type and its words, as ethers encodes them", () => {
  fc.assert(
    fc.property(request, (asked) => {
      const encoded = abi.encode(
        ["bytes32", ...TYPES],
        [p.FUNCTIONS_REQUEST_TYPEHASH, ...Object.values(asked)],
      );
      expect(p.functionsRequestId(asked)).toBe(keccak256(encoded));
    }),
  );
});

test("a call decodes to what was encoded", () => {
  fc.assert(
    fc.property(request, fc.uint8Array({ maxLength: 300 }), (asked, payload) => {
      const encoded = p.encodeFunctionsCall({ request: asked, payload });
      expect(p.toHex(encoded.subarray(0, 256))).toBe(abi.encode(TYPES, Object.values(asked)));
      expect(p.decodeFunctionsCall(encoded)).toEqual({ request: asked, payload: new Uint8Array(payload) });
    }),
  );
});

test("every field changes the id", () => {
  const others = fc.sample(request, { numRuns: 1, seed: 8 })[0]!;
  for (const field of Object.keys(sample) as (keyof p.FunctionsRequest)[]) {
    expect(p.functionsRequestId({ ...sample, [field]: others[field] })).not.toBe(
      p.functionsRequestId(sample),
    );
  }
});

test.for([
  ["fewer bytes than a request has", call.subarray(0, 255)],
  ["a byte above the consumer's address", call.with(32 + 11, 1)],
  ["a policy version beyond 32 bits", call.with(5 * 32 + 27, 1)],
  ["a size beyond 32 bits", call.with(6 * 32, 0xff)],
  ["a deadline beyond 64 bits", call.with(7 * 32 + 23, 1)],
] as const)("refuses %s", ([, bytes]) => {
  expect(codeOf(() => p.decodeFunctionsCall(bytes))).toBe("INPUT_INVALID");
});

test("refuses a payload that is too large, and takes the largest", () => {
  const withPayload = (size: number): Uint8Array =>
    p.encodeFunctionsCall({ request: sample, payload: new Uint8Array(size) });
  expect(codeOf(() => p.decodeFunctionsCall(withPayload(p.MAX_PAYLOAD_BYTES)))).toBe("nothing thrown");
  expect(codeOf(() => p.decodeFunctionsCall(withPayload(p.MAX_PAYLOAD_BYTES + 1)))).toBe("INPUT_TOO_LARGE");
});
