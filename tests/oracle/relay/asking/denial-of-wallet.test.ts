/** No model is called for a request whose fulfilment would not be settled, or not be paid for: each reason on its own. */

import { beforeEach, describe, expect, test } from "vitest";
import { coordinatorInterface, registryInterface } from "../../../../oracle/chain/contracts/contracts.ts";
import type { ChainHead } from "../../../../oracle/chain/chain-source.ts";
import type { BatchedReads } from "../../../../oracle/chain/rpc/batched-reads.ts";
import type { EnclaveSession } from "../../../../oracle/enclaves/enclave-session.ts";
import type { JobOutcome } from "../../../../oracle/engine/job-queue.ts";
import { createLogger } from "../../../../oracle/log.ts";
import { AdmittedKeysets } from "../../../../oracle/relay/asking/admitted-keysets.ts";
import { Answerer } from "../../../../oracle/relay/asking/answerer.ts";
import { Preflight } from "../../../../oracle/relay/asking/preflight.ts";
import type { AnswerRecord } from "../../../../oracle/store/answers.ts";
import { dueRefunds } from "../../../../oracle/store/settlements.ts";
import type { Store } from "../../../../oracle/store/store.ts";
import { ChainError, InputError, UpstreamError } from "../../../../protocol/errors.ts";
import type { Hex } from "../../../../protocol/bytes.ts";
import type { Request } from "../../../../protocol/request.ts";
import type { StateBlock } from "../../../../protocol/state-block.ts";
import {
  aRequest,
  CHAIN_ID,
  REQUEST_BLOCK,
  REQUEST_BLOCK_HASH,
  REQUESTED_AT,
  storeRequest,
  word,
} from "../../support/requests.ts";
import { createPgliteStore, useStore } from "../../support/stores.ts";

const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });
/** Two blocks and a half where they take 12 seconds. */
const SETTLE_SECONDS = 30;
/** Longer than that: it is what counts. */
const FALLBACK_SECONDS = 120;
/** Seconds: the chain's time and the node's until a test changes it. */
const NOW = REQUESTED_AT + 60;
const KEYSET = word(0xe1);
const SESSION = {
  keysetId: KEYSET,
  attestation: { keyset: { answerKey: `0x${"a1".repeat(20)}` } },
} as unknown as EnclaveSession;

/** What the chain and the node's surroundings look like; everything is well until a test changes it. */
interface World {
  now: number;
  /** Seconds: of the newest block, where it is not the node's. */
  headTime: number | undefined;
  pending: { isPending: boolean; cancelAt: number; requestBlock?: number };
  /** In the mempool's view too. */
  isPendingInMempool: boolean;
  isMember: boolean;
  isReachable: boolean;
  hasFunds: boolean;
  isDisputed: boolean;
  baseFee: bigint;
  blockGas: number;
  enclaves: readonly EnclaveSession[];
  /** What the next answers are bound to, where it is not what was asked for. */
  stateBlocks: StateBlock[];
  /** Why the payload cannot be had. */
  payload: Error | undefined;
}

let store: Store;
let world: World;
let asked: Hex[];
let nonce = 1;

useStore(createPgliteStore, (opened) => {
  store = opened;
});

beforeEach(() => {
  asked = [];
  world = {
    now: NOW * 1_000,
    headTime: undefined,
    pending: { isPending: true, cancelAt: 0 },
    isPendingInMempool: true,
    isMember: true,
    isReachable: true,
    hasFunds: true,
    isDisputed: false,
    baseFee: 10n ** 9n,
    blockGas: 30_000_000,
    enclaves: [SESSION],
    stateBlocks: [],
    payload: undefined,
  };
});

const reads: Pick<BatchedReads, "call"> = {
  call({ params }, schema) {
    const [{ data }, tag] = params as [{ data: string }, string];
    if (!world.isReachable)
      throw new ChainError({ code: "CHAIN_RPC_UNAVAILABLE", message: "as the test wants" });
    if (data.startsWith(coordinatorInterface.getFunction("pending").selector)) {
      const open = world.pending.isPending && (tag !== "pending" || world.isPendingInMempool);
      const { cancelAt, requestBlock = REQUEST_BLOCK } = world.pending;
      const state = [open, 1n, requestBlock, cancelAt, 0] as const;
      return Promise.resolve(schema.parse(coordinatorInterface.encodeFunctionResult("pending", [...state])));
    }
    if (!world.isMember) throw new ChainError({ code: "CHAIN_REVERTED", message: "AdmissionOutdated" });
    const member = [`0x${"fe".repeat(20)}`, word(0xf1), 1, false] as const;
    return Promise.resolve(schema.parse(registryInterface.encodeFunctionResult("memberOf", [...member])));
  },
};

function answered(requestId: Hex, stateBlock: StateBlock): AnswerRecord {
  const answer = {
    ...{
      requestId,
      status: 1,
      outputHash: word(7),
      transcriptRoot: word(8),
      stateBlockHash: stateBlock.hash,
    },
    ...{ keysetId: KEYSET, answeredAt: BigInt(REQUESTED_AT) },
  };
  return {
    ...{ kind: "answered", chainId: CHAIN_ID, requestId, keysetId: KEYSET, answer, stateBlock },
    ...{ signature: "0x", leafSignature: null, output: "0x", notBefore: 0, recordedAt: 0 },
    receipt: { own: "{}", attestation: "{}" },
  };
}

function answerer(): Answerer {
  const head = (): ChainHead => ({
    latest: {
      number: 20,
      hash: word(20),
      parentHash: word(19),
      timestamp: Math.floor(world.now / 1_000),
      baseFeePerGas: world.baseFee,
      gasLimit: world.blockGas,
    },
    settledNumber: 18,
  });
  const preflight = new Preflight({
    coordinator: aRequest().coordinator,
    registry: `0x${"c9".repeat(20)}`,
    reads,
    head,
    hasFunds: () => world.hasFunds,
    isDisputed: () => world.isDisputed,
    maxTransactionGas: 16_777_216,
    settleSeconds: SETTLE_SECONDS,
    fallbackWindowSeconds: FALLBACK_SECONDS,
    now: () => world.now,
  });
  return new Answerer({
    store,
    enclaves: { admitted: () => [...world.enclaves], ownKeysets: new Set([KEYSET]) },
    asker: {
      ask: (_session, { open, stateBlock }) => {
        asked.push(open.requestId);
        expect(stateBlock).toEqual({ number: BigInt(REQUEST_BLOCK), hash: REQUEST_BLOCK_HASH });
        return Promise.resolve(answered(open.requestId, world.stateBlocks.shift() ?? stateBlock));
      },
    },
    quorums: { collect: () => Promise.reject(new Error("no quorum is asked for")) },
    payloads: {
      find: ({ payload }) =>
        world.payload === undefined ? Promise.resolve(payload) : Promise.reject(world.payload),
    },
    admitted: new AdmittedKeysets(store, () => world.now),
    chainOf: () => ({
      fallbackWindowSeconds: FALLBACK_SECONDS,
      turnMs: 30_000,
      settleSeconds: SETTLE_SECONDS,
      preflight,
      prices: { models: {}, gasPricePercent: 100 },
      headTime: () => world.headTime ?? Math.floor(world.now / 1_000),
      baseFeePerGas: () => world.baseFee,
    }),
    log,
    now: () => world.now,
  });
}

async function handle(change: Partial<Request> = {}): Promise<JobOutcome<AnswerRecord>> {
  nonce += 1;
  return handleAgain(await storeRequest(store, aRequest({ nonce, ...change })));
}

function handleAgain(requestId: Hex): Promise<JobOutcome<AnswerRecord>> {
  return answerer().handle({ chainId: CHAIN_ID, requestId }, new AbortController().signal);
}

/** Another platform is admitted since before the request, this node's is not in the events: it is second. */
async function admitAnother(): Promise<void> {
  await store.db
    .insertInto("blocks")
    .values({ chain_id: CHAIN_ID, number: 20, hash: word(20) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await store.db
    .insertInto("admissions")
    .values({
      chain_id: CHAIN_ID,
      keyset_id: word(0xe9),
      event: "admitted",
      seat: word(0xa9),
      policy_id: aRequest().policyId,
      expires_at: REQUESTED_AT + 86_400,
      platform: word(0xf9),
      block_number: 5,
      block_hash: word(5),
      tx_hash: word(6),
      log_index: 0,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

test("a model is called for a request that nothing is wrong with", async () => {
  expect(await handle()).toMatchObject({ kind: "done" });
  expect(asked).toHaveLength(1);
});

describe("an enclave that answers for another block than it was asked for", () => {
  const gone: StateBlock = { number: BigInt(REQUEST_BLOCK), hash: word(0xbad) };
  const older: StateBlock = { number: BigInt(REQUEST_BLOCK - 1), hash: word(9) };
  const newer: StateBlock = { number: BigInt(REQUEST_BLOCK + 1), hash: word(11) };

  test.for([
    ["one that a reorg replaced", gone],
    ["one older than the request's", older],
  ] as const)("%s: another enclave is asked", async ([, stateBlock]) => {
    world.enclaves = [SESSION, { ...SESSION, keysetId: word(0xe2) }];
    world.stateBlocks = [stateBlock];
    expect(await handle()).toMatchObject({ kind: "done", result: { kind: "answered" } });
    expect(asked).toHaveLength(2);
  });

  test("with none left, the request ends in a refund that says why", async () => {
    world.stateBlocks = [gone];
    expect(await handle()).toMatchObject({
      kind: "done",
      result: { kind: "refused", code: "CHAIN_REORGED" },
    });
  });

  test("one that follows the request's is as good, unless the chain has another in its place", async () => {
    world.stateBlocks = [newer];
    expect(await handle()).toMatchObject({ kind: "done", result: { kind: "answered", stateBlock: newer } });
    await store.db
      .insertInto("blocks")
      .values({ chain_id: CHAIN_ID, number: REQUEST_BLOCK + 1, hash: word(0xbad) })
      .execute();
    world.stateBlocks = [newer];
    expect(await handle()).toMatchObject({
      kind: "done",
      result: { kind: "refused", code: "CHAIN_REORGED" },
    });
    await store.db
      .deleteFrom("blocks")
      .where("number", "=", REQUEST_BLOCK + 1)
      .execute();
  });
});

test("a model is called where blocks have no gas limit: it is given as zero", async () => {
  world.blockGas = 0;
  expect(await handle()).toMatchObject({ kind: "done", result: { kind: "answered" } });
});

test("a clock that has jumped past the deadline ends no request that the chain has open", async () => {
  const requestId = await storeRequest(store, aRequest({ nonce: (nonce += 1) }));
  Object.assign(world, { now: (NOW + 365 * 86_400) * 1_000, headTime: NOW });
  expect(await handleAgain(requestId)).toEqual({ kind: "later", seconds: 60 });
  Object.assign(world, { now: (NOW + 60) * 1_000, headTime: NOW + 60 });
  expect(await handleAgain(requestId)).toMatchObject({ kind: "done", result: { kind: "answered" } });
});

test("a model is called while an answer just gets into a block before the deadline and the cancellation", async () => {
  world.pending = { isPending: true, cancelAt: NOW + SETTLE_SECONDS + 1 };
  expect(await handle({ deadline: BigInt(NOW + FALLBACK_SECONDS) })).toMatchObject({ kind: "done" });
  expect(asked).toHaveLength(1);
});

describe("no model is called", () => {
  test.for<[string, Partial<World>, Partial<Request>]>([
    ["was settled meanwhile", { pending: { isPending: false, cancelAt: 0 } }, {}],
    [
      "may be cancelled before the answer is in a block",
      { pending: { isPending: true, cancelAt: NOW + SETTLE_SECONDS } },
      {},
    ],
    ["asks under a policy that was narrowed since the admission", { isMember: false }, {}],
    [
      "is in the last window before its deadline, which belongs to what was answered before",
      {},
      { deadline: BigInt(NOW + FALLBACK_SECONDS - 1) },
    ],
    [
      "is of another block than the chain says: its answer would be bound to one that is gone",
      { pending: { isPending: true, cancelAt: 0, requestBlock: REQUEST_BLOCK + 1 } },
      {},
    ],
    ["repays less than gas costs now", { baseFee: 10n ** 12n }, {}],
    ["may need more gas than a block of this chain has", { blockGas: 300_000 }, {}],
    ["comes while every transmitter key is low on funds", { hasFunds: false }, {}],
    ["comes while the RPC endpoints contradict each other", { isDisputed: true }, {}],
    ["comes while the chain cannot be asked", { isReachable: false }, {}],
    [
      "has a payload that cannot be had now",
      { payload: new UpstreamError({ code: "PAYLOAD_UNAVAILABLE", message: "as the test wants" }) },
      {},
    ],
  ])("when the request %s: it waits", async ([, surroundings, change]) => {
    Object.assign(world, surroundings);
    expect(await handle(change)).toMatchObject({ kind: "later" });
    expect(asked).toEqual([]);
  });

  test.for<[string, Partial<World>, Partial<Request>]>([
    [
      "may need more gas than a transaction has (EIP-7825)",
      {},
      { threshold: 8, maxOutputBytes: 65_536, callbackGasLimit: 5_000_000 },
    ],
    [
      "has a payload that can never be had",
      { payload: new InputError({ code: "INPUT_INVALID", message: "as the test wants" }) },
      {},
    ],
  ])("when the request %s: it ends in a refund", async ([, surroundings, change]) => {
    Object.assign(world, surroundings);
    expect(await handle(change)).toMatchObject({ kind: "done", result: { kind: "refused" } });
    expect(asked).toEqual([]);
  });

  test.for([
    ["just now", 0, 1],
    ["half a minute ago", 30, 8],
    ["long ago", 3_000, 15],
  ] as const)(
    "while the chain cannot be asked, when the request was queued %s: it is looked at ever less often",
    async ([, age, seconds]) => {
      Object.assign(world, { isReachable: false, now: (REQUESTED_AT + age) * 1_000 });
      expect(await handle()).toEqual({ kind: "later", seconds });
    },
  );

  test("when the request comes while no enclave is admitted: its job ends, and is made anew when one is", async () => {
    world.enclaves = [];
    expect(await handle()).toMatchObject({ kind: "done", result: { kind: "unserved", chainId: CHAIN_ID } });
    expect(asked).toEqual([]);
  });

  test("when the deadline has passed", async () => {
    expect(await handle({ deadline: BigInt(REQUESTED_AT + 10) })).toEqual({
      kind: "done",
      result: { kind: "nothing" },
    });
    expect(asked).toEqual([]);
  });

  test("when too little is left until the deadline: it is looked at again when that is past, and left to the refund", async () => {
    const deadline = BigInt(NOW + 12);
    nonce += 1;
    const requestId = await storeRequest(store, aRequest({ nonce, deadline }));
    expect(await handleAgain(requestId)).toEqual({ kind: "later", seconds: 13 });
    world.now += 13_000;
    expect(await handleAgain(requestId)).toEqual({
      kind: "done",
      result: { kind: "nothing" },
    });
    expect(asked).toEqual([]);
    const refunds = await dueRefunds(store, { chainId: CHAIN_ID, time: NOW + 13, limit: 100 });
    expect(refunds.map((refund) => refund.requestId)).toContain(requestId);
  });

  test("out of turn, when a fulfilment waits in the mempool", async () => {
    await admitAnother();
    world.isPendingInMempool = false;
    world.now = (REQUESTED_AT + 29) * 1_000;
    expect(await handle()).toEqual({ kind: "later", seconds: 1 });
    world.now = (REQUESTED_AT + 31) * 1_000;
    expect(await handle()).toMatchObject({ kind: "later" });
    expect(asked).toEqual([]);
    world.isPendingInMempool = true;
    expect(await handle()).toMatchObject({ kind: "done" });
    expect(asked).toHaveLength(1);
  });
});

test("out of turn, a model is called while an answer still gets into a block before the deadline", async () => {
  await admitAnother();
  // Half of the 40 s in which it may be asked, where a turn takes 30.
  const deadline = BigInt(REQUESTED_AT + 40 + FALLBACK_SECONDS);
  world.now = (REQUESTED_AT + 19) * 1_000;
  expect(await handle({ deadline })).toEqual({ kind: "later", seconds: 1 });
  world.now = (REQUESTED_AT + 20) * 1_000;
  expect(await handle({ deadline })).toMatchObject({ kind: "done" });
  expect(asked).toHaveLength(1);
});
