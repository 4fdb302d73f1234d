import { beforeEach, expect, test } from "vitest";
import * as z from "zod";
import { AnswerLedger } from "../../../../enclave/answers/answer-ledger.ts";
import { signBatch } from "../../../../enclave/answers/sign-batch.ts";
import { coordinatorInterface } from "../../../../oracle/chain/contracts/contracts.ts";
import type { RpcReply } from "../../../../oracle/chain/rpc/rpc-endpoint.ts";
import type { RpcPool } from "../../../../oracle/chain/rpc/rpc-pool.ts";
import type { EnclaveSession } from "../../../../oracle/enclaves/enclave-session.ts";
import { createLogger } from "../../../../oracle/log.ts";
import { FREE_DATA } from "../../../../oracle/chain/data-price.ts";
import { BatchPlanner } from "../../../../oracle/relay/plans/batch-planner.ts";
import type { DueAnswer } from "../../../../oracle/store/settlements.ts";
import { addressOfPublicKey, Answer, AnswerStatus, answerStructHash } from "../../../../protocol/answer.ts";
import { batchLeaf } from "../../../../protocol/batch.ts";
import { fromHex, type Hex } from "../../../../protocol/bytes.ts";
import { decodePackedItems } from "../../../../protocol/packed-item.ts";
import { onChainDomain } from "../../../../protocol/domain.ts";
import { InputError, UpstreamError } from "../../../../protocol/errors.ts";
import { Request, requestId } from "../../../../protocol/request.ts";
import { secp256k1 } from "@noble/curves/secp256k1.js";

const KEY = new Uint8Array(32).fill(7);
const COORDINATOR: Hex = `0x${"c0".repeat(20)}`;
const OTHER: Hex = `0x${"0a".repeat(20)}`;
const GWEI = 10n ** 9n;
const BASE_FEE = 10n * GWEI;
const NEXT = { baseFee: BASE_FEE, time: 1, price: FREE_DATA };
const word = (name: number): Hex => `0x${name.toString(16).padStart(64, "0")}`;
const KEYSET = word(0xaa);

let ledger = new AnswerLedger();
let simulate: () => RpcReply;
let dropped: unknown[];
let batched: ReadonlySet<Hex>;
let sign: EnclaveSession["client"]["batch"];

beforeEach(() => {
  ledger = new AnswerLedger();
  simulate = () => settles();
  dropped = [];
  batched = new Set();
  const identity = { keys: { answer: { privateKey: KEY } } };
  sign = (ids) =>
    Promise.resolve(signBatch({ identity, log: { append: () => undefined } } as never, ledger, ids));
});

function settles(refused: readonly Hex[] = [], status = "0x1"): RpcReply {
  const topic = coordinatorInterface.getEvent("BatchItemRefused").topicHash;
  const logs = refused.map((id) => ({ address: COORDINATOR, topics: [topic, id], data: word(1) }));
  return { ok: true, result: [{ calls: [{ status, gasUsed: "0x1", returnData: "0x", logs }] }] };
}

function planner(settings: object = {}): BatchPlanner {
  const session = {
    keysetId: KEYSET,
    client: { batch: (ids: readonly Hex[]) => sign(ids) },
    attestation: { keyset: { answerKey: addressOfPublicKey(secp256k1.getPublicKey(KEY, false)) } },
  } as unknown as EnclaveSession;
  const rpc = { send: () => Promise.resolve([simulate()]) } as unknown as RpcPool;
  return new BatchPlanner({
    chainId: 1n,
    coordinator: COORDINATOR,
    rpc,
    from: OTHER,
    settings: { minAnswers: 4, dearGasWei: 50n * GWEI, maxAnswers: 100, maxGas: 16_000_000, ...settings },
    ownCost: { feeCap: 30n * GWEI, callbackGas: 500_000 },
    sessions: () => [session],
    drop: (_, error) => dropped.push(error),
    onceBatched: () => Promise.resolve(batched),
    log: createLogger({ level: "error", write: () => undefined, now: () => 0 }),
  });
}

async function due(
  count: number,
  change: Partial<Request> = {},
  rest: Partial<DueAnswer> = {},
): Promise<DueAnswer[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, nonce) => {
      const request: Request = {
        ...{ chainId: 1n, coordinator: COORDINATOR, consumer: OTHER, nonce, payer: OTHER },
        ...{ refundTo: OTHER, subscriptionId: 0n, payloadHash: word(1), payloadUriHash: word(0) },
        ...{ requestedAt: 1n, context: word(0) },
        ...{ policyId: word(2), threshold: 1, aggregation: 0, delivery: 0 },
        ...{ callbackGasLimit: 200_000, maxOutputBytes: 64, fee: 1n, gasPriceCap: 100n * GWEI, deadline: 9n },
        ...change,
      };
      const id = requestId(request);
      const answer: Answer = {
        ...{ requestId: id, status: 1, outputHash: word(3), transcriptRoot: word(4) },
        ...{ stateBlockHash: word(6), keysetId: KEYSET, answeredAt: 5n },
      };
      const batchMember = {
        domain: onChainDomain(1n, COORDINATOR),
        leaf: batchLeaf(answerStructHash(answer)),
      };
      await ledger.add(id, 9n, 1, () => Promise.resolve({ text: "", batchMember }));
      return {
        requestId: id,
        request: JSON.stringify(z.encode(Request, request)),
        answer: JSON.stringify(z.encode(Answer, answer)),
        status: 1,
        ...{ signature: "0x", output: "0x1234", keysetId: KEYSET, stateBlockNumber: 6, notBefore: 0 },
        ...rest,
      };
    }),
  );
}

const ids = (answers: readonly { readonly requestId: Hex }[]): Hex[] =>
  answers.map((answer) => answer.requestId).sort();

test("a few that wait go one by one; more go together, and two when gas is dear", async () => {
  const three = await due(3);
  expect(await planner().plan(three, NEXT)).toEqual({ planned: [], rest: three });
  const dear = await planner({ dearGasWei: BASE_FEE, minAnswers: 2 }).plan(three.slice(0, 2), NEXT);
  expect(dear.planned).toHaveLength(1);
  const four = await due(4);
  const { planned, rest } = await planner().plan(four, NEXT);
  expect(rest).toEqual([]);
  expect(planned).toMatchObject([{ kind: "fulfillBatch", to: COORDINATOR, feeCap: 100n * GWEI }]);
  expect([...(planned[0]?.requestIds ?? [])].sort()).toEqual(ids(four));
});

test("its items are in ascending order of their leaves, as the contract wants them", async () => {
  const all = await due(9);
  const { planned } = await planner().plan(all, NEXT);
  const [keysetId, , , count, items] = coordinatorInterface.decodeFunctionData(
    "fulfillBatchPacked",
    planned[0]?.data ?? "0x",
  ) as unknown as [Hex, Hex, Hex, bigint, Hex];
  const answers = new Map(all.map((one) => [one.requestId, Answer.parse(JSON.parse(one.answer))]));
  const leaves = decodePackedItems(fromHex(items)).map(({ request, stateBlockNumber }) => {
    expect(stateBlockNumber).toBe(6n);
    const answer = answers.get(requestId({ ...request, chainId: 1n, coordinator: COORDINATOR }));
    return answer === undefined ? "" : batchLeaf(answerStructHash(answer));
  });
  expect(leaves).toEqual([...leaves].sort());
  expect(new Set(leaves).size).toBe(9);
  expect([keysetId, count]).toEqual([KEYSET, 9n]);
});

test("an answer that earns nothing lowers a batch's price to what the node gives, and is in none above that", async () => {
  const all = [...(await due(4)), ...(await due(1, { nonce: 77 }, { status: AnswerStatus.upstreamFailed }))];
  const { planned } = await planner().plan(all, NEXT);
  expect(planned).toMatchObject([{ feeCap: 30n * GWEI }]);
  const dear = await planner().plan(all, { ...NEXT, baseFee: 16n * GWEI });
  expect(dear.planned).toMatchObject([{ feeCap: 100n * GWEI }]);
  expect(dear.rest).toEqual(all.slice(4));
});

test("cuts below the gas limit by the sum of callback limits, and below the number of answers", async () => {
  const heavy = await due(12, { callbackGasLimit: 2_000_000 });
  const { planned, rest } = await planner().plan(heavy, NEXT);
  expect(planned.length).toBe(2);
  expect(rest).toEqual([]);
  for (const { gasLimit, requestIds } of planned) {
    expect(gasLimit).toBeLessThanOrEqual(16_000_000);
    expect(gasLimit).toBeGreaterThan((requestIds.length * 2_000_000 * 64) / 63);
  }
  const many = await planner({ maxAnswers: 5 }).plan(await due(11), NEXT);
  expect(many.planned.map(({ requestIds }) => requestIds.length)).toEqual([5, 5]);
  expect(many.rest).toHaveLength(1);
});

test.for([
  ["whose gas price cap the base fee is about to reach", { gasPriceCap: 2n * BASE_FEE - 1n }, {}],
  ["that need a quorum", { threshold: 2, aggregation: 1 }, {}],
  ["that were in a batch before", { deadline: 10n }, {}],
  ["of an enclave that is gone", {}, { keysetId: word(0xbb) }],
] as const)("leaves answers by themselves %s", async ([, request, rest]) => {
  const good = await due(4);
  const odd = await due(2, { nonce: 77, ...request }, rest);
  if ("deadline" in request) batched = new Set(odd.map(({ requestId: id }) => id));
  const plan = await planner().plan([...good, ...odd], NEXT);
  expect([...(plan.planned[0]?.requestIds ?? [])].sort()).toEqual(ids(good));
  expect(ids(plan.rest)).toEqual(ids(odd));
});

test("what the contract would leave out is left to go by itself, and the others are signed anew", async () => {
  const all = await due(6);
  const bad = all.slice(0, 2).map(({ requestId: id }) => id);
  simulate = () => settles(bad);
  const { planned, rest } = await planner().plan(all, NEXT);
  expect(ids(rest)).toEqual([...bad].sort());
  expect([...(planned[0]?.requestIds ?? [])].sort()).toEqual(ids(all.slice(2)));
});

test.for([
  ["reverts as a whole", () => settles([], "0x0")],
  [
    "cannot be simulated",
    (): RpcReply => ({ ok: false, failure: { code: -32601, message: "x", data: null } }),
  ],
  ["is simulated in another form", (): RpcReply => ({ ok: true, result: [{}] })],
] as const)("a batch that %s is not sent: its answers go one by one", async ([, reply]) => {
  simulate = reply;
  const all = await due(5);
  expect(await planner().plan(all, NEXT)).toEqual({ planned: [], rest: all });
});

test("an enclave that knows an answer no more, or is away, costs its answers nothing but the batch", async () => {
  const all = await due(5);
  sign = () => Promise.reject(new InputError({ code: "INPUT_NOT_FOUND", message: "forgotten" }));
  expect((await planner().plan(all, NEXT)).rest).toEqual(all);
  expect(dropped).toEqual([]);
  sign = () => Promise.reject(new UpstreamError({ code: "ENCLAVE_UNAVAILABLE", message: "gone" }));
  expect((await planner().plan(all, NEXT)).rest).toEqual(all);
  expect(dropped).toHaveLength(1);
});

test.for([
  ["another root", { root: word(9) }],
  ["another count", { count: 4 }],
  ["a signature of another key", { signature: `0x${"11".repeat(64)}1b` as Hex }],
] as const)("an enclave that lies about its batch is dropped: %s", async ([, lie]) => {
  const honest = sign;
  sign = async (requestIds) => ({ ...(await honest(requestIds)), ...lie });
  const all = await due(5);
  expect((await planner().plan(all, NEXT)).rest).toEqual(all);
  expect(dropped).toEqual([expect.objectContaining({ code: expect.stringMatching(/^EVIDENCE_/) as string })]);
});

test("counts the gas that its bytes cost towards what a transaction may use, and sends them with it", async () => {
  const all = await due(24);
  const price = { gas: (bytes: number) => 1_000 * (bytes + 160), wei: () => 0n };
  const cheap = await planner().plan(all, NEXT);
  const dear = await planner({ maxGas: 6_000_000 }).plan(all, { ...NEXT, price });
  expect(cheap.planned).toHaveLength(1);
  expect(dear.planned.length).toBeGreaterThan(1);
  for (const { gasLimit, data } of dear.planned) {
    expect(gasLimit).toBeLessThanOrEqual(6_000_000);
    expect(gasLimit).toBeGreaterThan(price.gas((data.length - 2) / 2));
  }
});
