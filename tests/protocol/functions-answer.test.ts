import fc from "fast-check";
import { expect, test } from "vitest";
import * as p from "../../protocol/index.ts";
import { codeOf } from "../support/code-of.ts";
import { ANSWER_PRIVATE_KEY } from "../support/protocol-vectors.ts";

const CONSUMER: p.Hex = `0x${"c0".repeat(20)}`;
const request: p.FunctionsRequest = {
  chainId: 31_337n,
  consumer: CONSUMER,
  nonce: 5n,
  payloadHash: p.keccakText("payload"),
  policyId: p.keccakText("policy"),
  policyVersion: 1,
  maxOutputBytes: 1_024,
  deadline: 1_800_000_000n,
};
const domain = p.functionsDomain(31_337n, CONSUMER);
const signer = p.recoverSigner(p.keccakText("x"), p.signDigest(p.keccakText("x"), ANSWER_PRIVATE_KEY));

function signed(
  output: Uint8Array,
  change: Partial<p.Answer> = {},
): p.FunctionsAnswer & { output: Uint8Array } {
  const answer: p.Answer = {
    requestId: p.functionsRequestId(request),
    status: p.AnswerStatus.ok,
    outputHash: p.keccak(output),
    transcriptRoot: p.keccakText("root"),
    stateBlockHash: `0x${"00".repeat(32)}`,
    keysetId: p.keccakText("keyset"),
    answeredAt: 1_799_999_000n,
    ...change,
  };
  return { answer, signature: p.signDigest(p.answerDigest(domain, answer), ANSWER_PRIVATE_KEY), output };
}

const response = p.encodeFunctionsAnswer(signed(p.toUtf8("Delphi")));

test("an answer comes back whole, or with its output's hash, and never in more than 256 bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 0, max: 2 ** 40 }), (bytes, time) => {
      const sent = signed(new Uint8Array(bytes), { answeredAt: BigInt(time) });
      const encoded = p.encodeFunctionsAnswer(sent);
      const read = p.verifyFunctionsAnswer(request, encoded);
      expect(encoded.length).toBeLessThanOrEqual(256);
      expect(read.answer).toEqual(sent.answer);
      expect(read.signature).toBe(sent.signature);
      expect(read.signer).toBe(signer);
      expect(read.output ?? sent.output).toEqual(sent.output);
      expect(bytes.length > 120 || read.output !== null).toBe(true);
    }),
  );
});

test("any flipped bit gives another signer or is refused", () => {
  for (let bit = 0; bit < response.length * 8; bit += 1) {
    const flipped = response.with(bit >> 3, (response[bit >> 3] ?? 0) ^ (1 << (bit & 7)));
    const outcome = codeOf(() => {
      expect(p.verifyFunctionsAnswer(request, flipped).signer, `bit ${bit}`).not.toBe(signer);
    });
    expect(["nothing thrown", "EVIDENCE_MALFORMED", "EVIDENCE_SIGNATURE_INVALID"]).toContain(outcome);
  }
});

test.for([
  ["nonce", { nonce: 6n }],
  ["chain", { chainId: 1n }],
  ["consumer", { consumer: `0x${"c1".repeat(20)}` as const }],
  ["question", { payloadHash: p.keccakText("another payload") }],
  ["policy", { policyId: p.keccakText("another policy") }],
  ["policy version", { policyVersion: 2 }],
  ["size", { maxOutputBytes: 1_025 }],
  ["deadline", { deadline: 1_800_000_001n }],
] as const)("another %s makes the signature another's", ([, change]) => {
  expect(p.verifyFunctionsAnswer(request, response).signer).toBe(signer);
  expect(p.verifyFunctionsAnswer({ ...request, ...change }, response).signer).not.toBe(signer);
});

test("an answer signed for a coordinator of the same address is another's", () => {
  const answer = signed(p.toUtf8("Delphi"));
  const digest = p.answerDigest(p.onChainDomain(31_337n, CONSUMER), answer.answer);
  const replayed = { ...answer, signature: p.signDigest(digest, ANSWER_PRIVATE_KEY) };
  expect(p.verifyFunctionsAnswer(request, p.encodeFunctionsAnswer(replayed)).signer).not.toBe(signer);
});

const byHash = p.encodeFunctionsAnswer(signed(p.toUtf8("d".repeat(200))));

test("a long output travels as its hash", () => {
  const read = p.verifyFunctionsAnswer(request, byHash);
  expect(read).toMatchObject({ output: null, signer, answer: { outputHash: p.keccakText("d".repeat(200)) } });
});

test.for([
  ["mostly zeros travel packed", new Uint8Array(256).fill(7, 200, 232), 3],
  ["without zeros travel as their hash", new Uint8Array(256).fill(7), 1],
] as const)("words %s", ([, output, form]) => {
  const encoded = p.encodeFunctionsAnswer(signed(output));
  expect(encoded[0]).toBe(form);
  expect(p.verifyFunctionsAnswer(request, encoded).output).toEqual(form === 1 ? null : output);
});

test("a point of either parity comes back with its own", () => {
  const signatures = Array.from({ length: 8 }, (_, index) => signed(p.toUtf8(`Delphi ${index}`)).signature);
  expect(new Set(signatures.map((signature) => signature.slice(-2)))).toEqual(new Set(["1b", "1c"]));
  for (let index = 0; index < signatures.length; index++) {
    const encoded = p.encodeFunctionsAnswer(signed(p.toUtf8(`Delphi ${index}`)));
    expect(p.verifyFunctionsAnswer(request, encoded).signature).toBe(signatures[index]);
  }
});

test.for([
  ["nothing", new Uint8Array()],
  ["a response cut before its output", response.subarray(0, 135)],
  ["257 bytes", new Uint8Array(257).fill(2)],
  ["form 0", response.with(0, 0)],
  ["form 4", response.with(0, 4)],
  ["status 0", response.with(1, 0)],
  ["status 8, which nobody signs", response.with(1, 8)],
  ["a hash of 31 bytes", byHash.subarray(0, 167)],
  ["a hash of 33 bytes", p.concatBytes(byHash, new Uint8Array(1))],
  [
    "packed output that ends early",
    p.concatBytes(response.with(0, 3).subarray(0, 136), new Uint8Array([5, 1])),
  ],
] as const)("refuses %s", ([, bytes]) => {
  expect(codeOf(() => p.decodeFunctionsAnswer(`0x${"11".repeat(32)}`, bytes))).toBe("EVIDENCE_MALFORMED");
});

test("refuses to encode an answer over chain state, and a time beyond six bytes", () => {
  const encode = (change: Partial<p.Answer>): string =>
    codeOf(() => p.encodeFunctionsAnswer(signed(p.toUtf8("x"), change)));
  expect(encode({ answeredAt: 2n ** 48n - 1n })).toBe("nothing thrown");
  expect(encode({ answeredAt: 2n ** 48n })).toBe("INPUT_INVALID");
  expect(encode({ stateBlockHash: p.keccakText("block") })).toBe("INPUT_INVALID");
});
