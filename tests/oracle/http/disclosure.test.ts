import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createHttpApp, type HttpOptions, listen, type Listening } from "../../../oracle/http/server.ts";
import { createLogger } from "../../../oracle/log.ts";
import type { Store } from "../../../oracle/store/store.ts";
import { AnswerStatus } from "../../../protocol/answer.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { Delivery } from "../../../protocol/request.ts";
import { WELL_STORE } from "../support/health.ts";
import {
  CHAIN_ID,
  aRequest,
  storeAnswer,
  storeRequest,
  word,
  type StoredAnswer,
} from "../support/requests.ts";
import { createPgliteStore, useStore } from "../support/stores.ts";

let store: Store;
let server: Listening;
let nonce = 0;
let requestId: Hex;

useStore(createPgliteStore, (opened) => {
  store = opened;
});

beforeAll(async () => {
  const options = {
    store,
    log: createLogger({ level: "error", write: () => undefined, now: () => 0 }),
    health: () => ({ status: "ok", chains: [], enclaves: [], store: WELL_STORE }),
    isReady: () => true,
    twin: () => undefined,
    ledgers: { find: () => undefined },
  } as Partial<HttpOptions> as HttpOptions;
  server = await listen(createHttpApp(options), { host: "127.0.0.1", port: 0 });
});

afterAll(() => server.close());

beforeEach(() => {
  nonce += 1;
});

async function answered(delivery: number, answer: StoredAnswer = {}): Promise<void> {
  requestId = await storeRequest(store, aRequest({ nonce, delivery }));
  await storeAnswer(store, CHAIN_ID, requestId, answer);
}

async function settle(kind: "fulfilled" | "refunded" | "cancelled"): Promise<void> {
  await store.db
    .insertInto("settlements")
    .values({
      ...{ chain_id: CHAIN_ID, request_id: requestId, kind, status: 1, keyset_id: word(0xe1) },
      ...{ callback_succeeded: true, block_number: 9, block_hash: word(9), tx_hash: word(9), log_index: 0 },
    })
    .execute();
}

/** What is served of the request: the statuses of its answer and its receipt, and its answer in the index. */
async function served(): Promise<{ statuses: number[]; answer: Record<string, unknown> }> {
  const get = (path: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${server.port}/v1/${path}/${requestId}`);
  const [answer, receipt, request] = await Promise.all([get("answers"), get("receipts"), get("requests")]);
  const view = (await request.json()) as { answer: Record<string, unknown> };
  return { statuses: [answer.status, receipt.status], answer: view.answer };
}

test.for([
  ["a callback", Delivery.callback],
  ["a hash", Delivery.hash],
])(
  "an output that goes to %s is told once the chain shows that it was fulfilled; its status at once",
  async ([, delivery]) => {
    await answered(Number(delivery));
    const before = await served();
    expect(before.statuses).toEqual([409, 409]);
    expect(before.answer).toMatchObject({
      status: 1,
      reason: "ok",
      isWithheld: true,
      output: null,
      answer: null,
    });
    await settle("fulfilled");
    const after = await served();
    expect(after.statuses).toEqual([200, 200]);
    expect(after.answer).toMatchObject({ isWithheld: false, output: "0x", answer: { requestId } });
  },
);

test.for([
  ["that settles late, at once", { status: AnswerStatus.upstreamFailed, notBefore: 9_999 }, "m is down"],
  ["that settles at once, with the chain", { status: AnswerStatus.invalidOutput }, null],
] as const)("why there is no output is told of a status %s", async ([, answer, before]) => {
  await answered(Delivery.callback, { ...answer, because: "m is down" });
  expect((await served()).answer).toMatchObject({ because: before });
  await settle("fulfilled");
  expect((await served()).answer).toMatchObject({ because: "m is down" });
});

test("an output that its user carries to the chain is told at once", async () => {
  await answered(Delivery.pull);
  expect(await served()).toMatchObject({ statuses: [200, 200], answer: { isWithheld: false, output: "0x" } });
});

test.for(["refunded", "cancelled"] as const)(
  "an output of a request that was %s is nobody's",
  async (kind) => {
    await answered(Delivery.callback);
    await settle(kind);
    expect(await served()).toMatchObject({
      statuses: [409, 409],
      answer: { isWithheld: true, output: null },
    });
  },
);
