import { beforeEach, expect, test } from "vitest";
import type { ChainHead } from "../../../oracle/chain/chain-source.ts";
import type { RpcCall, RpcFailure, RpcReply } from "../../../oracle/chain/rpc-endpoint.ts";
import { createLogger } from "../../../oracle/log.ts";
import { SettlementPlanner } from "../../../oracle/relay/settlement-planner.ts";
import type { Store } from "../../../oracle/store/store.ts";
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

useStore(createPgliteStore, (opened) => {
  store = opened;
});

beforeEach(async () => {
  await store.db.deleteFrom("requests").execute();
  time = NOW;
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
  const planner = new SettlementPlanner({
    chainId: CHAIN_ID,
    coordinator: aRequest().coordinator,
    rpc: {
      send: (sent) => {
        calls = sent;
        return Promise.resolve([...replies]);
      },
    },
    store,
    log: createLogger({ level: "error", write: () => undefined, now: () => 0 }),
    from: `0x${"fe".repeat(20)}`,
    refundFeeCap: 10n ** 10n,
    batches: undefined,
    now: () => time * 1_000,
  });
  return (await planner.plan(HEAD, 10)).flatMap((transaction) => transaction.requestIds);
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
