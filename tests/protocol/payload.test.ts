import { keccak256 } from "ethers";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as p from "../../protocol/index.ts";
import { codeOf } from "../support/code-of.ts";
import * as arbitrary from "../support/protocol-arbitraries.ts";

test("a prompt's payload is its type, its version and its body", () => {
  fc.assert(
    fc.property(arbitrary.prompt, (prompt) => {
      const payload = p.encodePayload({ type: p.PayloadType.inference, prompt });
      expect([...payload.subarray(0, 2)]).toEqual([1, 2]);
      expect(payload.subarray(2)).toEqual(p.encodePrompt(prompt));
      expect(p.decodePayload(payload)).toEqual({ type: 1, prompt });
      expect(p.payloadHash(payload)).toBe(keccak256(payload));
    }),
    { numRuns: 20 },
  );
});

test("an OpenAI-compatible body travels as it is", () => {
  const body = p.toUtf8('{"model":"gpt-5.1"}');
  const payload = p.encodePayload({ type: p.PayloadType.openai, body });
  expect(p.decodePayload(payload)).toEqual({ type: 3, body });
});

test.for([
  ["nothing", []],
  ["a type alone", [1]],
  ["type 0", [0, 1]],
  ["an agent, which is reserved", [2, 1]],
  ["sealed, which is reserved", [4, 1]],
  ["type 5", [5, 1]],
  ["version 1 of inference", [1, 1]],
  ["version 3 of inference", [1, 3]],
  ["another version of openai", [3, 0]],
  ["an inference without a body", [1, 2]],
] as const)("refuses %s", ([, bytes]) => {
  expect(codeOf(() => p.decodePayload(new Uint8Array(bytes)))).toBe("INPUT_INVALID");
});

test("takes a payload of the largest size and refuses one byte more", () => {
  const body = new Uint8Array(p.MAX_CALL_PAYLOAD_BYTES - 2);
  const payload = p.encodePayload({ type: p.PayloadType.openai, body });
  expect(payload).toHaveLength(p.MAX_CALL_PAYLOAD_BYTES);
  expect(() => p.decodePayload(payload)).not.toThrow();
  const more = p.concatBytes(body, new Uint8Array(1));
  expect(codeOf(() => p.encodePayload({ type: p.PayloadType.openai, body: more }))).toBe("INPUT_TOO_LARGE");
  expect(codeOf(() => p.decodePayload(p.concatBytes(payload, new Uint8Array(1))))).toBe("INPUT_TOO_LARGE");
  // What goes through a chain is shorter.
  const onChain = new Uint8Array(p.MAX_PAYLOAD_BYTES + 1).fill(2, 0, 1);
  expect(codeOf(() => p.decodePayload(onChain))).toBe("INPUT_TOO_LARGE");
});
