import { AbiCoder, keccak256 } from "ethers";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as p from "../../protocol/index.ts";
import { codeOf } from "../support/code-of.ts";
import * as arbitrary from "../support/protocol-arbitraries.ts";

const request = arbitrary.functionsRequest;

const TYPES = p.FUNCTIONS_REQUEST_TYPE.slice("FunctionsRequest(".length, -1)
  .split(",")
  .map((member) => member.split(" ")[0]!);
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
      expect(p.toHex(encoded.subarray(0, 320))).toBe(abi.encode(TYPES, Object.values(asked)));
      expect(p.decodeFunctionsCall(encoded)).toEqual({ request: asked, payload: new Uint8Array(payload) });
    }),
  );
});

test("the type string names the schema's fields in its order", () => {
  const names = p.FUNCTIONS_REQUEST_TYPE.slice("FunctionsRequest(".length, -1).split(",");
  expect(names.map((member) => member.split(" ")[1])).toEqual(Object.keys(p.FunctionsRequest.shape));
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
  ["fewer bytes than a request has", call.subarray(0, 319)],
  ["a byte above the consumer's address", call.with(32 + 11, 1)],
  ["a time of asking beyond 40 bits", call.with(2 * 32 + 26, 1)],
  ["a block beyond 64 bits", call.with(3 * 32 + 23, 1)],
  ["a nonce beyond 32 bits", call.with(4 * 32 + 27, 1)],
  ["a size beyond 24 bits", call.with(8 * 32 + 28, 1)],
  ["a deadline beyond 40 bits", call.with(9 * 32 + 26, 1)],
] as const)("refuses %s", ([, bytes]) => {
  expect(codeOf(() => p.decodeFunctionsCall(bytes))).toBe("INPUT_INVALID");
});

test("refuses a payload that is too large, and takes the largest", () => {
  const withPayload = (size: number): Uint8Array =>
    p.encodeFunctionsCall({ request: sample, payload: new Uint8Array(size) });
  expect(codeOf(() => p.decodeFunctionsCall(withPayload(p.MAX_PAYLOAD_BYTES)))).toBe("nothing thrown");
  expect(codeOf(() => p.decodeFunctionsCall(withPayload(p.MAX_PAYLOAD_BYTES + 1)))).toBe("INPUT_TOO_LARGE");
});
