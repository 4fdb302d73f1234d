import { beforeEach, expect, test } from "vitest";
import { AnswerLedger } from "../../../enclave/answers/answer-ledger.ts";
import { signBatch } from "../../../enclave/answers/sign-batch.ts";
import { readConfiguration } from "../../../enclave/configuration/read-configuration.ts";
import { createIdentity } from "../../../enclave/identity/identity.ts";
import { StatementLog } from "../../../enclave/log/statement-log.ts";
import { recoverSigner } from "../../../protocol/answer.ts";
import { batchDigest, batchLeaf, createBatchTree } from "../../../protocol/batch.ts";
import { toUtf8, type Hex } from "../../../protocol/bytes.ts";
import { onChainDomain } from "../../../protocol/domain.ts";
import type { BatchReply } from "../../../protocol/enclave-api.ts";
import { behaviourFile, operatorFile } from "../support/configuration.ts";

const word = (name: number): Hex => `0x${name.toString(16).padStart(64, "0")}`;
const HERE = onChainDomain(1n, `0x${"c0".repeat(20)}`);
const ELSEWHERE = [onChainDomain(2n, HERE.verifyingContract), onChainDomain(1n, `0x${"c1".repeat(20)}`)];
const DEADLINE = 2_000_000_000n;
const NOW = 1_800_000_000;

const configuration = readConfiguration(
  toUtf8(
    JSON.stringify(
      behaviourFile({
        url: "https://127.0.0.1:1/v1",
        certificateAuthority: "-----BEGIN CERTIFICATE-----",
      }),
    ),
  ),
  toUtf8(JSON.stringify(operatorFile())),
);
const identity = createIdentity(configuration, "test");
let log = new StatementLog(identity);
let ledger = new AnswerLedger();

beforeEach(() => {
  log = new StatementLog(identity);
  ledger = new AnswerLedger();
});

const leafOf = (requestId: Hex): Hex => batchLeaf(requestId);

async function answer(requestId: Hex, domain = HERE, text = "answer", into = ledger): Promise<void> {
  await into.add(requestId, DEADLINE, NOW, () =>
    Promise.resolve({ text, batchMember: { domain, leaf: leafOf(requestId) } }),
  );
}

const sign = (requestIds: readonly Hex[], from = ledger): BatchReply =>
  signBatch({ identity, log }, from, requestIds);

test("signs the tree over the answers given, whatever the order in which they are named, and logs it", async () => {
  const ids = [3, 1, 2].map(word);
  for (const id of ids) await answer(id);
  const signed = sign(ids);
  const tree = createBatchTree(ids.map(leafOf));
  expect(signed).toMatchObject({ root: tree.root, count: 3 });
  expect(recoverSigner(batchDigest(HERE, signed.root, signed.count), signed.signature)).toBe(
    identity.keyset.answerKey,
  );
  expect(sign([...ids].reverse())).toEqual(signed);
  expect(log.inclusion(signed.root)).toContain("index 1");
});

test("signs nothing for a request that has no answer, or whose answer is still being made", async () => {
  await answer(word(1));
  const code = (work: () => unknown): void => {
    expect(work).toThrow(expect.objectContaining({ code: "INPUT_NOT_FOUND" }));
  };
  code(() => sign([word(1), word(2)]));
  let finish: () => void = () => undefined;
  const making = ledger.add(word(2), DEADLINE, NOW, async () => {
    await new Promise<void>((resolve) => (finish = resolve));
    return { text: "late", batchMember: { domain: HERE, leaf: leafOf(word(2)) } };
  });
  code(() => sign([word(1), word(2)]));
  finish();
  await making;
  expect(sign([word(1), word(2)]).count).toBe(2);
});

test("signs nothing over an answer that no coordinator settles", async () => {
  await ledger.add(word(1), DEADLINE, NOW, () => Promise.resolve({ text: "functions", batchMember: null }));
  expect(() => sign([word(1)])).toThrow(expect.objectContaining({ code: "INPUT_NOT_FOUND" }));
});

test.for([
  ["another chain", 0],
  ["another coordinator", 1],
] as const)("signs nothing across domains: %s", async ([, other]) => {
  await answer(word(1));
  await answer(word(2), ELSEWHERE[other]);
  expect(() => sign([word(1), word(2)])).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
  expect(sign([word(2)]).root).toBe(leafOf(word(2)));
});

test.for([
  ["no request", []],
  ["one named twice", [word(1), word(1)]],
] as const)("refuses %s", async ([, ids]) => {
  await answer(word(1));
  expect(() => sign(ids)).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
});

test("still batches answers whose bytes were let go", async () => {
  const small = new AnswerLedger({ keptBytes: 10 });
  await answer(word(1), HERE, "x".repeat(10), small);
  await answer(word(2), HERE, "x".repeat(10), small);
  expect(() => small.find(word(1))).toThrow(expect.objectContaining({ code: "INPUT_CONFLICT" }));
  expect(sign([word(1), word(2)], small).count).toBe(2);
});
