import { beforeEach, expect, test } from "vitest";
import type { ChainHead } from "../../../oracle/chain/chain-source.ts";
import type { RpcCall, RpcFailure, RpcReply } from "../../../oracle/chain/rpc-endpoint.ts";
import { createLogger } from "../../../oracle/log.ts";
import type { BatchPlanner } from "../../../oracle/relay/batch-planner.ts";
import { SettlementPlanner } from "../../../oracle/relay/settlement-planner.ts";
import type { Store } from "../../../oracle/store/store.ts";
import type { PlannedTransaction } from "../../../oracle/transmitter/planned-transaction.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { aRequest, CHAIN_ID, storeAnswer, storeRequest, word } from "../support/requests.ts";
import { createPgliteStore, useStore } from "../support/stores.ts";

/** Seconds: past the deadline of each request, so that all of them are to be refunded. */
const NOW = Number(aRequest().deadline) + 60;
const HEAD: ChainHead = {
  latest: { number: 20, hash: word(20), parentHash: word(19), timestamp: NOW, baseFeePerGas: 1n },
  settledNumber: 18,
};
const OK: RpcReply = { ok: true, result: "0x" };
const REVERTED: RpcReply = fails({ code: 3, message: "execution reverted", data: "0x" });
/** As an endpoint that balances load says of what another of its servers has not seen. */
const UNKNOWN: RpcReply = fails({ code: -32_000, message: "header not found", data: undefined });

function fails(failure: RpcFailure): RpcReply {
  return { ok: false, failure };
}

let store: Store;
let nonce = 0n;
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
    nonce += 1n;
    // In the order in which refunds are due.
    const deadline = aRequest().deadline + (nonce % 50n);
    requestIds.push(await storeRequest(store, aRequest({ nonce, deadline })));
  }
});

/** The requests that a plan settles, when the node says this of each that is due. */
async function planned(...replies: readonly RpcReply[]): Promise<Hex[]> {
  return settledBy(await planner(replies).plan(HEAD, 10));
}

const settledBy = (transactions: readonly PlannedTransaction[]): Hex[] =>
  transactions.flatMap((transaction) => transaction.requestIds);

function planner(replies: readonly RpcReply[], batches?: Pick<BatchPlanner, "plan">): SettlementPlanner {
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
    refundFeeCap: 10n ** 10n,
    batches: batches as BatchPlanner | undefined,
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

async function storeAnswered(): Promise<void> {
  nonce += 1n;
  const request = aRequest({ nonce, deadline: BigInt(NOW) + 600n });
  await storeAnswer(store, CHAIN_ID, await storeRequest(store, request));
}

test("few are tried in the pending block; of many only refunds, whose time is the next block's", async () => {
  const blocks = (): unknown[] => calls.map(({ params }) => params[1]);
  await storeAnswered();
  expect(await planned(OK, OK, OK, OK)).toHaveLength(4);
  expect(blocks()).toEqual(["pending", "pending", "pending", "pending"]);
  await storeAnswered();
  expect(await planned(OK, OK, OK, OK, OK)).toHaveLength(5);
  expect(blocks()).toEqual(["latest", "latest", "pending", "pending", "pending"]);
});
