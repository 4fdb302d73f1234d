import fc from "fast-check";
import { expect, test } from "vitest";
import * as p from "../../protocol/index.ts";
import { codeOf } from "../support/code-of.ts";
import { ANSWER_PRIVATE_KEY } from "../support/vector-words.ts";

const CONSUMER: p.Hex = `0x${"c0".repeat(20)}`;
const request: p.FunctionsRequest = {
  chainId: 31_337n,
  consumer: CONSUMER,
  requestedAt: 1_799_998_900n,
  requestBlock: 1_200n,
  nonce: 5,
  context: p.keccakText("context"),
  payloadHash: p.keccakText("payload"),
  policyId: p.keccakText("policy"),
  maxOutputBytes: 1_024,
  deadline: 1_800_000_000n,
};
const BLOCK: p.StateBlock = { number: 1_234n, hash: p.keccakText("block") };
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
    stateBlockHash: BLOCK.hash,
    keysetId: p.keccakText("keyset"),
    answeredAt: 1_799_999_000n,
    ...change,
  };
  const signature = p.signDigest(p.answerDigest(domain, answer), ANSWER_PRIVATE_KEY);
  return { answer, signature, stateBlockNumber: BLOCK.number, output };
}

const response = p.encodeFunctionsAnswer(signed(p.toUtf8("Delphi")));

test("an answer comes back whole, or with its output's hash, and never in more than 256 bytes", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 400 }),
      fc.integer({ min: 0, max: 2 ** 40 - 1 }),
      (bytes, time) => {
        const sent = signed(new Uint8Array(bytes), { answeredAt: BigInt(time) });
        const encoded = p.encodeFunctionsAnswer(sent);
        const read = p.verifyFunctionsAnswer(request, encoded, BLOCK);
        expect(encoded.length).toBeLessThanOrEqual(256);
        expect(read.answer).toEqual(sent.answer);
        expect(read.signature).toBe(sent.signature);
        expect(read.signer).toBe(signer);
        expect(read.output ?? sent.output).toEqual(sent.output);
        expect(bytes.length > 114 || read.output !== null).toBe(true);
      },
    ),
  );
});

test("any flipped bit gives another signer or is refused", () => {
  for (let bit = 0; bit < response.length * 8; bit += 1) {
    const flipped = response.with(bit >> 3, (response[bit >> 3] ?? 0) ^ (1 << (bit & 7)));
    const outcome = codeOf(() => {
      expect(p.verifyFunctionsAnswer(request, flipped, BLOCK).signer, `bit ${bit}`).not.toBe(signer);
    });
    expect(["nothing thrown", "EVIDENCE_MALFORMED", "EVIDENCE_SIGNATURE_INVALID"]).toContain(outcome);
  }
});

test.for([
  ["time of asking", { requestedAt: 1_799_998_901n }],
  ["request block", { requestBlock: 1_201n }],
  ["nonce", { nonce: 6 }],
  ["context", { context: p.keccakText("another context") }],
  ["chain", { chainId: 1n }],
  ["consumer", { consumer: `0x${"c1".repeat(20)}` as const }],
  ["question", { payloadHash: p.keccakText("another payload") }],
  ["policy", { policyId: p.keccakText("another policy") }],
  ["size", { maxOutputBytes: 1_025 }],
  ["deadline", { deadline: 1_800_000_001n }],
] as const)("another %s makes the signature another's", ([, change]) => {
  expect(p.verifyFunctionsAnswer(request, response, BLOCK).signer).toBe(signer);
  expect(p.verifyFunctionsAnswer({ ...request, ...change }, response, BLOCK).signer).not.toBe(signer);
});

test("an answer signed for a coordinator of the same address is another's", () => {
  const answer = signed(p.toUtf8("Delphi"));
  const digest = p.answerDigest(p.onChainDomain(31_337n, CONSUMER), answer.answer);
  const replayed = { ...answer, signature: p.signDigest(digest, ANSWER_PRIVATE_KEY) };
  expect(p.verifyFunctionsAnswer(request, p.encodeFunctionsAnswer(replayed), BLOCK).signer).not.toBe(signer);
});

const byHash = p.encodeFunctionsAnswer(signed(p.toUtf8("d".repeat(200))));

test("a long output travels as its hash", () => {
  const read = p.verifyFunctionsAnswer(request, byHash, BLOCK);
  expect(read).toMatchObject({ output: null, signer, answer: { outputHash: p.keccakText("d".repeat(200)) } });
});

test.for([
  ["mostly zeros travel packed", new Uint8Array(256).fill(7, 200, 232), 3],
  ["without zeros travel as their hash", new Uint8Array(256).fill(7), 1],
] as const)("words %s", ([, output, form]) => {
  const encoded = p.encodeFunctionsAnswer(signed(output));
  expect(encoded[0]).toBe(form);
  expect(p.verifyFunctionsAnswer(request, encoded, BLOCK).output).toEqual(form === 1 ? null : output);
});

test("a point of either parity comes back with its own", () => {
  const signatures = Array.from({ length: 8 }, (_, index) => signed(p.toUtf8(`Delphi ${index}`)).signature);
  expect(new Set(signatures.map((signature) => signature.slice(-2)))).toEqual(new Set(["1b", "1c"]));
  for (let index = 0; index < signatures.length; index++) {
    const encoded = p.encodeFunctionsAnswer(signed(p.toUtf8(`Delphi ${index}`)));
    expect(p.verifyFunctionsAnswer(request, encoded, BLOCK).signature).toBe(signatures[index]);
  }
});

test.for([
  ["nothing", new Uint8Array()],
  ["a response cut before its output", response.subarray(0, 141)],
  ["257 bytes", new Uint8Array(257).fill(2)],
  ["form 0", response.with(0, 0)],
  ["form 4", response.with(0, 4)],
  ["status 0", response.with(1, 0)],
  ["status 8, which nobody signs", response.with(1, 8)],
  ["status 10", response.with(1, 10)],
  ["a time past 2^40", response.with(2, 1)],
  ["a hash of 31 bytes", byHash.subarray(0, 173)],
  ["a hash of 33 bytes", p.concatBytes(byHash, new Uint8Array(1))],
  [
    "packed output that ends early",
    p.concatBytes(response.with(0, 3).subarray(0, 142), new Uint8Array([5, 1])),
  ],
] as const)("refuses %s", ([, bytes]) => {
  expect(codeOf(() => p.decodeFunctionsAnswer(`0x${"11".repeat(32)}`, bytes))).toBe("EVIDENCE_MALFORMED");
});

test("refuses to encode an answer that is bound to no block, and a time that no chain takes", () => {
  const encode = (change: Partial<p.Answer>): string =>
    codeOf(() => p.encodeFunctionsAnswer(signed(p.toUtf8("x"), change)));
  expect(encode({ answeredAt: 2n ** 40n - 1n })).toBe("nothing thrown");
  expect(encode({ answeredAt: 2n ** 40n })).toBe("INPUT_INVALID");
  expect(encode({ stateBlockHash: p.NO_STATE_BLOCK })).toBe("INPUT_INVALID");
});

test.for([
  ["of another number", { number: 1_235n, hash: BLOCK.hash }, "EVIDENCE_MALFORMED"],
  ["of another hash", { number: 1_234n, hash: p.keccakText("fork") }, "another signer"],
  ["that is the answer's", BLOCK, "the signer"],
] as const)("holds the answer against a block %s", ([, block, expected]) => {
  let recovered: p.Hex | undefined;
  const thrown = codeOf(() => {
    recovered = p.verifyFunctionsAnswer(request, response, block).signer;
  });
  const outcome = recovered === signer ? "the signer" : "another signer";
  expect(thrown === "nothing thrown" ? outcome : thrown).toBe(expected);
});

test("takes an answer bound to the request's own block, and refuses one bound to the block before", () => {
  const at = (requestBlock: bigint): string => {
    const asked = { ...request, requestBlock };
    const answer = signed(p.toUtf8("Delphi"), { requestId: p.functionsRequestId(asked) });
    return codeOf(() => p.verifyFunctionsAnswer(asked, p.encodeFunctionsAnswer(answer), BLOCK));
  };
  expect(at(BLOCK.number)).toBe("nothing thrown");
  expect(at(BLOCK.number + 1n)).toBe("EVIDENCE_STALE");
});
