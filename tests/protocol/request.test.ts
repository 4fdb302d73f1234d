import { AbiCoder, id, keccak256, TypedDataEncoder } from "ethers";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as z from "zod";
import { Request, REQUEST_TYPE, REQUEST_TYPEHASH, requestId } from "../../protocol/request.ts";
import * as arbitrary from "../support/protocol-arbitraries.ts";
import { without } from "../support/without.ts";

/** `uint256 chainId` … in the order of the type string. */
const members = [...REQUEST_TYPE.slice("Request(".length, -1).split(",")].map((member) => {
  const [type = "", name = ""] = member.split(" ");
  return { type, name };
});

const wordsOf = (request: Request): unknown[] => members.map(({ name }) => request[name as keyof Request]);

test("the type string names the schema's fields in its order", () => {
  expect(members.map(({ name }) => name)).toEqual(Object.keys(Request.shape));
  expect(REQUEST_TYPEHASH).toBe(id(REQUEST_TYPE));
});

test("the id equals ethers' abi.encode and ethers' EIP-712 struct hash", () => {
  fc.assert(
    fc.property(arbitrary.request, (request) => {
      const encoded = AbiCoder.defaultAbiCoder().encode(
        ["bytes32", ...members.map(({ type }) => type)],
        [id(REQUEST_TYPE), ...wordsOf(request)],
      );
      expect(requestId(request)).toBe(keccak256(encoded));
      expect(requestId(request)).toBe(TypedDataEncoder.hashStruct("Request", { Request: members }, request));
    }),
  );
});

test("the JSON form and back is the identity", () => {
  fc.assert(
    fc.property(arbitrary.request, (request) => {
      const wire: unknown = JSON.parse(JSON.stringify(z.encode(Request, request)));
      expect(Request.parse(wire)).toEqual(request);
    }),
  );
});

test("a change of any one field is another id", () => {
  fc.assert(
    fc.property(arbitrary.request, arbitrary.request, (request, other) => {
      for (const { name } of members) {
        const changed = { ...request, [name]: other[name as keyof Request] };
        const same = changed[name as keyof Request] === request[name as keyof Request];
        expect(requestId(changed) === requestId(request)).toBe(same);
      }
    }),
  );
});

const [sample] = fc.sample(arbitrary.request, { numRuns: 1, seed: 1 });
const wire = z.encode(Request, sample!);

test.for([
  ["a threshold of zero", { threshold: 0 }],
  ["an unknown aggregation", { aggregation: 4 }],
  ["an unknown delivery", { delivery: 3 }],
  ["a coordinator in checksum case", { coordinator: `0x${"Ab".repeat(20)}` }],
  ["a fee past uint96", { fee: (2n ** 96n).toString() }],
  ["a deadline past uint40", { deadline: (2n ** 40n).toString() }],
  ["an output past uint24", { maxOutputBytes: 2 ** 24 }],
  ["a nonce past uint32", { nonce: 2 ** 32 }],
  ["a policy version, which protocol 1 had", { policyVersion: 1 }],
  ["a fee as a number", { fee: 1 }],
  ["a field of another name", { value: 1 }],
] as const)("refuses %s", ([, change]) => {
  expect(Request.safeParse(wire).success).toBe(true);
  expect(Request.safeParse({ ...wire, ...change }).success).toBe(false);
});

test.for(members.map(({ name }) => name))("refuses a request without %s", (name) => {
  const rest = without(wire, name);
  expect(Request.safeParse(rest).success).toBe(false);
});
