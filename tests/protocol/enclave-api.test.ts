import fc from "fast-check";
import { expect, test } from "vitest";
import * as z from "zod";
import * as p from "../../protocol/index.ts";
import * as arbitrary from "../support/protocol-arbitraries.ts";
import { without } from "../support/without.ts";

const stateBlock: p.StateBlock = { number: 17n, hash: p.keccakText("block") };
const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test("a call for an answer survives JSON", () => {
  fc.assert(
    fc.property(arbitrary.request, (request) => {
      const call: p.AnswerCall = { request, payload: "0x0101", stateBlock };
      expect(p.AnswerCall.parse(throughJson(z.encode(p.AnswerCall, call)))).toEqual(call);
    }),
    { numRuns: 10 },
  );
});

test("a signed answer survives JSON", () => {
  const hash = p.keccakText("hash");
  fc.assert(
    fc.property(arbitrary.answer, (answer) => {
      const signed: p.SignedAnswer = {
        answer,
        signature: `0x${"00".repeat(65)}`,
        output: "0x",
        transcript: [{ leafHash: hash }, { leafHash: hash }],
        bodies: { [hash]: "0x01" },
        evidence: { kind: "simulator", bytes: "0x01", claims: "0x02" },
        endorsements: null,
        stateBlock,
        quorumLeaf: { leaf: hash, signature: `0x${"00".repeat(65)}` },
      };
      expect(p.SignedAnswer.parse(throughJson(z.encode(p.SignedAnswer, signed)))).toEqual(signed);
    }),
    { numRuns: 10 },
  );
});

test.for([
  ["a hash of zero", { hash: p.NO_STATE_BLOCK }],
  ["a number of 49 bits", { number: (2n ** 48n).toString() }],
  ["a number that is no string", { number: 17 }],
] as const)("refuses a state block with %s, on both roads of contracts", ([, change]) => {
  const [request] = fc.sample(arbitrary.request, 1);
  const wire = z.encode(p.AnswerCall, { request: request!, payload: "0x0101", stateBlock });
  const changed = { ...wire.stateBlock, ...change };
  expect(p.AnswerCall.safeParse(wire).success).toBe(true);
  expect(p.AnswerCall.safeParse({ ...wire, stateBlock: changed }).success).toBe(false);
  const call = { call: "AA==", stateBlock: wire.stateBlock };
  expect(p.FunctionsAnswerCall.safeParse(call).success).toBe(true);
  expect(p.FunctionsAnswerCall.safeParse({ ...call, stateBlock: changed }).success).toBe(false);
});

const model = {
  id: "openai/gpt-5.1",
  contextTokens: 1,
  price: { perRequest: "0", perInputToken: "1", perOutputToken: "10" },
};

test.for([
  ["a nonce of 32 bytes", p.AttestationQuery, { nonce: p.keccakText("n") }, { nonce: "0x00" }],
  [
    "models with prices in wei",
    p.ModelsReply,
    { models: [model] },
    { models: [{ ...model, price: { perRequest: "0.5" } }] },
  ],
  ["health", p.HealthReply, { status: "ok" }, { status: "maybe" }],
  [
    "an error with flat details",
    p.ErrorReply,
    { error: { code: "INPUT_INVALID", message: "", details: { at: 1 }, retryable: false } },
    { error: { code: "INPUT_INVALID", message: "", details: { at: {} }, retryable: false } },
  ],
] as const)("takes %s, and refuses the nearest thing to it", ([, schema, good, bad]) => {
  expect(schema.safeParse(good).success).toBe(true);
  expect(schema.safeParse(bad).success).toBe(false);
  expect(schema.safeParse({ ...good, extra: 1 }).success).toBe(false);
});

test.for([[null], [{ tcbInfo: "{}" }]] as const)(
  "an attestation's endorsements may be %j",
  ([endorsements]) => {
    const [keyset] = fc.sample(arbitrary.keyset, 1);
    const reply = { keyset, evidence: { kind: "tdx", bytes: "0x", claims: "0x" }, endorsements };
    expect(p.AttestationReply.safeParse(reply).success).toBe(true);
    const rest = without(reply, "endorsements");
    expect(p.AttestationReply.safeParse(rest).success).toBe(false);
  },
);
