import { sql } from "kysely";
import { beforeEach, expect, test } from "vitest";
import type { ChainHead } from "../../../../oracle/chain/chain-source.ts";
import { FREE_DATA, type ReadDataPrice } from "../../../../oracle/chain/data-price.ts";
import type { RpcCall, RpcFailure, RpcReply } from "../../../../oracle/chain/rpc/rpc-endpoint.ts";
import { createLogger } from "../../../../oracle/log.ts";
import type { BatchPlanner } from "../../../../oracle/relay/plans/batch-planner.ts";
import { LEFT_TO_OTHERS, type OwnCost } from "../../../../oracle/relay/plans/own-cost.ts";
import { QuorumPlanner } from "../../../../oracle/relay/plans/quorum-planner.ts";
import { SettlementPlanner } from "../../../../oracle/relay/plans/settlement-planner.ts";
import { readOldestOpen } from "../../../../oracle/store/open-counts.ts";
import { refreshPhases } from "../../../../oracle/store/phases.ts";
import { NEVER } from "../../../../oracle/store/retry-time.ts";
import type { Store } from "../../../../oracle/store/store.ts";
import type { PlannedTransaction } from "../../../../oracle/transmitter/planned-transaction.ts";
import { AnswerStatus } from "../../../../protocol/answer.ts";
import type { Hex } from "../../../../protocol/bytes.ts";
import { Delivery, type Request } from "../../../../protocol/request.ts";
import type { StateBlock } from "../../../../protocol/state-block.ts";
import { aRequest, CHAIN_ID, storeAnswer, storeRequest, word } from "../../support/requests.ts";
import { createPgliteStore, useStore } from "../../support/stores.ts";

/** Seconds: past the deadline of each request, so that all of them are to be refunded. */
const NOW = Number(aRequest().deadline) + 60;
const HEAD: ChainHead = {
  // A chain that makes blocks on demand: the deadlines passed since.
  latest: { number: 20, hash: word(20), parentHash: word(19), timestamp: NOW - 600, baseFeePerGas: 1n },
  settledNumber: 18,
};
const OWN_COST: OwnCost = { feeCap: 10n ** 10n, callbackGas: 500_000 };
const OK: RpcReply = { ok: true, result: "0x" };
const REVERTED: RpcReply = fails({ code: 3, message: "execution reverted", data: "0x" });
/** As an endpoint that balances load says of what another of its servers has not seen. */
const UNKNOWN: RpcReply = fails({ code: -32_000, message: "header not found", data: undefined });

function fails(failure: RpcFailure): RpcReply {
  return { ok: false, failure };
}

let store: Store;
let nonce = 0;
let requestIds: Hex[];
let time: number;
let calls: readonly RpcCall[];
let warnings: object[];

useStore(createPgliteStore, (opened) => {
  store = opened;
});

beforeEach(async () => {
  await store.db.deleteFrom("requests").execute();
  time = NOW;
  warnings = [];
  requestIds = [];
  for (let count = 0; count < 3; count += 1) {
    nonce += 1;
    // In the order in which refunds are due.
    const deadline = aRequest().deadline + BigInt(nonce % 50);
    requestIds.push(await storeRequest(store, aRequest({ nonce, deadline })));
  }
});

/** The requests that a plan settles, when the node says this of each that is due. */
async function planned(...replies: readonly RpcReply[]): Promise<Hex[]> {
  return settledBy(await planner(replies).plan(HEAD, 10));
}

const settledBy = (transactions: readonly PlannedTransaction[]): Hex[] =>
  transactions.flatMap((transaction) => transaction.requestIds);

function planner(
  replies: readonly RpcReply[],
  batches?: Pick<BatchPlanner, "plan">,
  readDataPrice: ReadDataPrice = () => Promise.resolve(FREE_DATA),
): SettlementPlanner {
  return new SettlementPlanner({
    chainId: CHAIN_ID,
    coordinator: aRequest().coordinator,
    rpc: {
      send: (sent) => {
        calls = sent;
        return Promise.resolve([...replies]);
      },
    },
    store,
    log: createLogger({
      level: "warn",
      write: (line) => warnings.push(JSON.parse(line) as object),
      now: () => 0,
    }),
    from: `0x${"fe".repeat(20)}`,
    ownCost: OWN_COST,
    batches: batches as BatchPlanner | undefined,
    quorums: new QuorumPlanner({
      coordinator: aRequest().coordinator,
      store,
      ownCost: OWN_COST,
      windowOf: () => Promise.resolve(0),
    }),
    readDataPrice,
    now: () => time * 1_000,
  });
}

function transaction(kind: PlannedTransaction["kind"], ids: readonly Hex[]): PlannedTransaction {
  const { coordinator } = aRequest();
  return { kind, to: coordinator, data: "0x", gasLimit: 1, feeCap: 1n, requestIds: ids };
}

test("what the node says nothing of waits, and the others go", async () => {
  const [first, second, third] = requestIds;
  expect(await planned(UNKNOWN, OK, OK)).toEqual([second, third]);
  // Not due again at once: it would take the place of others.
  expect(await planned(OK, OK)).toEqual([second, third]);
  time += 1;
  expect(await planned(OK, OK, OK)).toEqual([first, second, third]);
});

test("a revert shows that the node can tell", async () => {
  expect(await planned(REVERTED, UNKNOWN, UNKNOWN)).toEqual([]);
});

test("when the node says nothing of any, none is held back for it", async () => {
  await expect(planned(UNKNOWN, UNKNOWN, UNKNOWN)).rejects.toMatchObject({ code: "CHAIN_RPC_UNAVAILABLE" });
  await expect(planned()).rejects.toMatchObject({ code: "CHAIN_RPC_UNAVAILABLE" });
  expect(await planned(OK, OK, OK)).toEqual(requestIds);
});

test("a batch goes, also when the node says nothing of any of the others", async () => {
  const batch = transaction("fulfillBatch", [word(0xb1), word(0xb2)]);
  const batches: Pick<BatchPlanner, "plan"> = {
    plan: () => Promise.resolve({ planned: [batch], rest: [] }),
  };
  expect(await planner([UNKNOWN, UNKNOWN, UNKNOWN], batches).plan(HEAD, 10)).toEqual([batch]);
  expect(warnings).toMatchObject([
    { event: "settlement.not-simulated", transactions: 3, error: { code: "CHAIN_RPC_UNAVAILABLE" } },
  ]);
  // They are not held back for it.
  expect(settledBy(await planner([OK, OK, OK], batches).plan(HEAD, 10))).toEqual([
    ...batch.requestIds,
    ...requestIds,
  ]);
});

test("what else is to be sent goes first, within the limit, whatever the node says of settlements", async () => {
  const admission = transaction("admit", []);
  expect(await planner([UNKNOWN, UNKNOWN, UNKNOWN]).plan(HEAD, 10, [admission])).toEqual([admission]);
  const [first] = requestIds;
  expect(settledBy(await planner([OK]).plan(HEAD, 2, [admission]))).toEqual([first]);
  expect(await planner([]).plan(HEAD, 1, [admission])).toEqual([admission]);
});

async function storeAnswered(
  change: Partial<Request> = {},
  notBefore = 0,
  stateBlock?: StateBlock,
  status: AnswerStatus = AnswerStatus.ok,
): Promise<Hex> {
  nonce += 1;
  const aggregation = change.threshold === undefined ? 0 : 1;
  const request = aRequest({ nonce, aggregation, deadline: BigInt(NOW) + 600n, ...change });
  const requestId = await storeRequest(store, request);
  for (let count = 0; count < request.threshold; count += 1) {
    await storeAnswer(store, CHAIN_ID, requestId, {
      keysetId: word(0xe1 + count),
      notBefore,
      status,
      ...(stateBlock === undefined ? {} : { stateBlock }),
    });
  }
  return requestId;
}

test("few are tried in the pending block; of many only those that the newest block is too early for", async () => {
  const blocks = (): unknown[] => calls.map(({ params }) => params[1]);
  await storeAnswered();
  expect(await planned(OK, OK, OK, OK)).toHaveLength(4);
  expect(blocks()).toEqual(["pending", "pending", "pending", "pending"]);
  await storeAnswered({}, HEAD.latest.timestamp);
  await storeAnswered({}, HEAD.latest.timestamp + 1);
  expect(await planned(OK, OK, OK, OK, OK, OK)).toHaveLength(6);
  expect(blocks()).toEqual(["latest", "latest", "pending", "pending", "pending", "pending"]);
});

test("what is bound to the newest block is tried in the one after it: the newest cannot see its own hash", async () => {
  const blocks = (): unknown[] => calls.map(({ params }) => params[1]);
  const newest = { number: BigInt(HEAD.latest.number), hash: HEAD.latest.hash };
  await storeAnswered();
  await storeAnswered({}, 0, newest);
  expect(await planned(OK, OK, OK, OK, OK)).toHaveLength(5);
  expect(blocks()).toEqual(["latest", "pending", "pending", "pending", "pending"]);
});

test("an answer to a block that a reorg replaced is not sent", async () => {
  await storeAnswered({}, 0, { number: 9n, hash: word(9) });
  expect(await planned(OK, OK, OK)).toEqual(requestIds);
});

/** A chain whose base fee is `wei`. */
const withBaseFee = (wei: bigint): ChainHead => ({ ...HEAD, latest: { ...HEAD.latest, baseFeePerGas: wei } });

test("what the gas of today is too dear for holds up nothing else", async () => {
  const baseFee = 10n ** 10n;
  const underpriced = { gasPriceCap: baseFee - 1n };
  await storeAnswered(underpriced);
  await storeAnswered({ ...underpriced, threshold: 2 });
  const answer = await storeAnswered();
  const quorum = await storeAnswered({ threshold: 2 });
  const [refund] = requestIds;
  const plan = await planner([OK, OK, OK]).plan(withBaseFee(baseFee), 3);
  expect(settledBy(plan)).toEqual([answer, quorum, refund]);
});

test("a refund that would cost more than one may is not planned, and none is lost", async () => {
  const answer = await storeAnswered();
  const settlements = planner([OK, OK, OK, OK]);
  expect(settledBy(await settlements.plan(withBaseFee(10n ** 10n + 1n), 10))).toEqual([answer]);
  expect(calls).toHaveLength(1);
  expect(settledBy(await settlements.plan(withBaseFee(10n ** 10n), 10))).toEqual([answer, ...requestIds]);
});

test("what nobody repays is offered no more than a refund may cost, whatever the request would", async () => {
  const failed = await storeAnswered(
    { gasPriceCap: 5n * 10n ** 10n },
    0,
    undefined,
    AnswerStatus.upstreamFailed,
  );
  const answer = await storeAnswered({ gasPriceCap: 5n * 10n ** 10n });
  const plan = await planner([OK, OK]).plan(HEAD, 2);
  expect(plan.map(({ requestIds: [id], feeCap }) => [id, feeCap])).toEqual([
    [failed, 10n ** 10n],
    [answer, 5n * 10n ** 10n],
  ]);
  expect(settledBy(await planner([OK]).plan(withBaseFee(10n ** 10n + 1n), 2))).toEqual([answer]);
});

const BURDEN = { callbackGasLimit: OWN_COST.callbackGas + 1 };

test("what nobody repays is left to others where a callback may burn more than the node gives, and holds up nothing", async () => {
  const { upstreamFailed } = AnswerStatus;
  await storeAnswered(BURDEN, 0, undefined, upstreamFailed);
  const quorum = await storeAnswered({ ...BURDEN, threshold: 2 }, 0, undefined, upstreamFailed);
  await storeRequest(store, aRequest({ nonce: 900, deadline: aRequest().deadline - 9n, ...BURDEN }));
  const repaid = await storeAnswered(BURDEN);
  const pulled = await storeAnswered(
    { ...BURDEN, delivery: Delivery.pull, nonce: 901 },
    0,
    undefined,
    upstreamFailed,
  );
  const [refund] = requestIds;
  expect(settledBy(await planner([OK, OK, OK]).plan(HEAD, 5)).slice(0, 3)).toEqual([repaid, pulled, refund]);
  const left = await store.db
    .selectFrom("requests")
    .select("last_error")
    .where("retry_at", "=", NEVER)
    .execute();
  expect(left.map(({ last_error }) => last_error)).toEqual(Array(3).fill(LEFT_TO_OTHERS));
  const [oldest] = await readOldestOpen(store, [CHAIN_ID]);
  expect(oldest?.requestSince).not.toBeNull();
  // Another answer changes what is to be sent: it is looked at again.
  await store.db.updateTable("requests").set({ phase: "asked" }).where("request_id", "=", quorum).execute();
  await store.db.transaction().execute((trx) => refreshPhases(trx, CHAIN_ID, [quorum]));
  const [again] = await store.db
    .selectFrom("requests")
    .select("retry_at")
    .where("request_id", "=", quorum)
    .execute();
  expect(again?.retry_at).toBe(0);
});

test.for([
  ["members that earn nothing", AnswerStatus.upstreamFailed, OWN_COST.feeCap],
  ["members that earn something", AnswerStatus.ok, 5n * 10n ** 10n],
] as const)(
  "a quorum of %s is worth as much as is repaid, or as a refund may cost",
  async ([, status, feeCap]) => {
    const quorum = await storeAnswered({ gasPriceCap: 5n * 10n ** 10n, threshold: 2 }, 0, undefined, status);
    const plan = await planner([OK]).plan(HEAD, 1);
    expect(plan.map((one) => [one.requestIds[0], one.feeCap])).toEqual([[quorum, feeCap]]);
  },
);

test("more underpriced answers than are looked at together keep none from a batch", async () => {
  await storeAnswered({ gasPriceCap: 0n });
  const DUE_AT_ONCE = 500;
  await sql`
    insert into requests (chain_id, request_id, block_number, block_hash, block_time, tx_hash, log_index, consumer,
      request, payload, payload_uri, deadline, fee, released, phase, seen_at)
    select chain_id, 'id' || n, 1, block_hash, block_time, tx_hash, n, consumer,
      request, payload, payload_uri, deadline, fee, released, phase, seen_at
    from requests, generate_series(1, ${DUE_AT_ONCE}::int) n where phase = 'answered'`.execute(store.db);
  await sql`
    insert into answers (chain_id, request_id, keyset_id, status, answer, signature, output, not_before, recorded_at,
      state_block_number, state_block_hash)
    select chain_id, request_id, '0xe1', 1, '{}', '0x', '0x', 0, 0, block_number, block_hash
    from requests where block_number = 1`.execute(store.db);
  const answer = await storeAnswered();
  let offered: readonly Hex[] = [];
  const batches: Pick<BatchPlanner, "plan"> = {
    plan: (due) => {
      offered = due.map(({ requestId }) => requestId);
      return Promise.resolve({ planned: [transaction("fulfillBatch", offered)], rest: [] });
    },
  };
  await planner([OK, OK, OK], batches).plan(HEAD, 10);
  expect(offered).toEqual([answer]);
});

test("where bytes cost gas within a transaction's limit, it is tried and sent with it", async () => {
  const [plain] = await planner([OK, OK, OK]).plan(HEAD, 1);
  const gasPerByte = 1_000;
  const price = { gas: (bytes: number) => gasPerByte * bytes, wei: () => 0n };
  const [dear] = await planner([OK, OK, OK], undefined, () => Promise.resolve(price)).plan(HEAD, 1);
  const bytes = ((plain?.data.length ?? 0) - 2) / 2;
  expect(dear?.gasLimit).toBe((plain?.gasLimit ?? 0) + gasPerByte * bytes);
  const tried = calls[0]?.params[0] as { readonly gas: string };
  expect(Number(tried.gas)).toBe(dear?.gasLimit);
});
