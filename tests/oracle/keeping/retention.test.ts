/** What leaves the store, that it is in the archive before, and that it is served as it was. */

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createHttpApp, type HttpOptions, listen, type Listening } from "../../../oracle/http/server.ts";
import type { Archive } from "../../../oracle/keeping/archive.ts";
import { findArchived } from "../../../oracle/keeping/archived-request.ts";
import { Retention } from "../../../oracle/keeping/retention.ts";
import { createLogger } from "../../../oracle/log.ts";
import type { Store } from "../../../oracle/store/store.ts";
import { insertTransactions } from "../../../oracle/store/transactions/insert.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { UpstreamError } from "../../../protocol/errors.ts";
import { Delivery } from "../../../protocol/request.ts";
import { WELL_STORE } from "../support/health.ts";
import { aRequest, CHAIN_ID, REQUESTED_AT, storeAnswer, storeRequest, word } from "../support/requests.ts";
import { describeStores, useStore } from "../support/stores.ts";

const DAYS = 10;
const DAY_MS = 86_400_000;
const SIGNER: Hex = `0x${"51".repeat(20)}`;
const TABLES = [
  ...["transaction_items", "attempts", "transactions", "receipts", "answers", "settlements", "refusals"],
  "requests",
] as const;

describeStores("requests that ended", (create) => {
  let store: Store;
  let server: Listening;
  let nonce = 0;
  let now: number;
  let kept: Map<string, Uint8Array>;
  let isAway: boolean;
  let said: string[];

  useStore(create, (opened) => {
    store = opened;
  });

  const archive: Archive = {
    place: "the test's",
    put: (name, bytes) => {
      if (isAway) return Promise.reject(new UpstreamError({ code: "ARCHIVE_UNAVAILABLE", message: "away" }));
      kept.set(name, bytes);
      return Promise.resolve();
    },
    get: (name) => Promise.resolve(kept.get(name)),
  };
  const log = createLogger({
    level: "info",
    write: (line) => said.push((JSON.parse(line) as { event: string }).event),
    now: () => 0,
  });

  beforeAll(async () => {
    const options = {
      ...{ store, log, twin: () => undefined, isReady: () => true, ledgers: { find: () => undefined } },
      health: () => ({ status: "ok", chains: [], enclaves: [], store: WELL_STORE }),
      findArchived: (requestId: Hex) => findArchived(archive, requestId),
    } as Partial<HttpOptions> as HttpOptions;
    server = await listen(createHttpApp(options), { host: "127.0.0.1", port: 0 });
  });

  afterAll(() => server.close());

  beforeEach(async () => {
    for (const table of TABLES) await store.db.deleteFrom(table as "requests").execute();
    now = REQUESTED_AT * 1_000 + (DAYS + 1) * DAY_MS;
    kept = new Map();
    [isAway, said] = [false, []];
  });

  async function settled(kind: "fulfilled" | "refunded" = "fulfilled"): Promise<Hex> {
    nonce += 1;
    const requestId = await storeRequest(store, aRequest({ nonce, delivery: Delivery.callback }));
    await storeAnswer(store, CHAIN_ID, requestId);
    await store.db
      .insertInto("settlements")
      .values({
        ...{ chain_id: CHAIN_ID, request_id: requestId, kind, status: 1, keyset_id: word(0xe1) },
        ...{ callback_succeeded: true, block_number: 11, block_hash: word(11), tx_hash: word(nonce) },
        log_index: nonce,
      })
      .execute();
    await store.db
      .updateTable("requests")
      .set({ phase: "settled" })
      .where("request_id", "=", requestId)
      .execute();
    return requestId;
  }

  async function sentFor(requestIds: readonly Hex[], at: number): Promise<number> {
    const [sent] = await store.db.transaction().execute((trx) =>
      insertTransactions(
        trx,
        [
          {
            ...{ chainId: CHAIN_ID, signer: SIGNER, nonce: at, kind: "fulfill", to: SIGNER, data: "0x" },
            ...{ gasLimit: 1, feeCap: 1n, requestIds, hash: word(10_000 + nonce * 100 + at), raw: "0x02" },
            ...{ maxFee: 1n, priorityFee: 1n },
          },
        ],
        0,
      ),
    );
    return sent?.id ?? 0;
  }

  const end = (id: number, state: "final" | "pending"): Promise<unknown> =>
    store.db.updateTable("transactions").set({ state }).where("id", "=", id).execute();

  /** Its loop is ended before its first step: these tests step by themselves. */
  async function idle(): Promise<Retention> {
    const retention = new Retention({
      store,
      archive,
      chainIds: [CHAIN_ID],
      days: DAYS,
      log,
      now: () => now,
    });
    await retention.stop();
    return retention;
  }

  const look = async (): Promise<boolean> => (await idle()).step();

  async function count(table: (typeof TABLES)[number]): Promise<number> {
    const { count: rows } = await store.db
      .selectFrom(table as "requests")
      .select(({ fn }) => fn.countAll<number | string>().as("count"))
      .executeTakeFirstOrThrow();
    return Number(rows);
  }

  const get = (path: string): Promise<{ status: number; text: string }> =>
    fetch(`http://127.0.0.1:${server.port}/v1/${path}`).then(async (response) => ({
      status: response.status,
      text: await response.text(),
    }));

  test("stay as long as is configured, and leave nothing behind then but what is in the archive", async () => {
    const requestId = await settled();
    await end(await sentFor([requestId], 0), "final");
    await end(await sentFor([], 1), "final");
    now = REQUESTED_AT * 1_000 + DAYS * DAY_MS;
    await look();
    expect([await count("requests"), kept.size]).toEqual([1, 0]);
    now += 1_000;
    await look();
    expect(kept.size).toBe(1);
    const rows = await Promise.all(TABLES.map(count));
    // The transaction with the highest nonce stays: the next one is counted from it.
    expect(Object.fromEntries(TABLES.map((table, at) => [table, rows[at]]))).toEqual({
      ...Object.fromEntries(TABLES.map((table) => [table, 0])),
      ...{ transactions: 1, attempts: 1 },
    });
  });

  test("are served from the archive, by their id, as they were from the store", async () => {
    const requestId = await settled();
    const paths = ["requests", "answers", "receipts"].map((route) => `${route}/${requestId}`);
    const before = await Promise.all(paths.map(get));
    expect(before.map(({ status }) => status)).toEqual([200, 200, 200]);
    await look();
    expect(await count("requests")).toBe(0);
    expect(await Promise.all(paths.map(get))).toEqual(before);
    expect((await get(`requests/${word(0xabc)}`)).status).toBe(404);
    expect((await get(`receipts/${word(0xabc)}`)).status).toBe(404);
  });

  test("tell no output from the archive that the store would not tell", async () => {
    const requestId = await settled("refunded");
    await look();
    const statuses = ["answers", "receipts"].map(
      async (route) => (await get(`${route}/${requestId}`)).status,
    );
    expect(await Promise.all(statuses)).toEqual([409, 409]);
    const view = JSON.parse((await get(`requests/${requestId}`)).text) as { answer: object };
    expect(view.answer).toMatchObject({ isWithheld: true, output: null });
  });

  test("stay while the archive cannot be reached, which is said once", async () => {
    await settled();
    isAway = true;
    const retention = await idle();
    await retention.step();
    await retention.step();
    expect([await count("requests"), retention.state.failures]).toEqual([1, 2]);
    expect(said).toEqual(["retention.failed"]);
    isAway = false;
    await retention.step();
    expect([await count("requests"), kept.size]).toEqual([0, 1]);
  });

  test("stay while a transaction for them is under way, or another of its requests is here", async () => {
    const [first, second] = [await settled(), await settled()];
    const id = await sentFor([first, second], 5);
    await sentFor([], 6);
    await look();
    expect(await count("requests")).toBe(2);
    await end(id, "final");
    await store.db
      .updateTable("requests")
      .set({ block_time: REQUESTED_AT + DAYS * 86_400 })
      .where("request_id", "=", second)
      .execute();
    await look();
    expect([await count("requests"), await count("transactions")]).toEqual([1, 2]);
  });

  test("are those alone: what is open stays, and nobody's goes after its deadline", async () => {
    nonce += 1;
    const open = await storeRequest(store, aRequest({ nonce }));
    nonce += 1;
    const foreign = await storeRequest(store, aRequest({ nonce }));
    await store.db
      .updateTable("requests")
      .set({ released: false })
      .where("request_id", "=", foreign)
      .execute();
    await look();
    const rows = await store.db.selectFrom("requests").select("request_id").execute();
    expect(rows).toEqual([{ request_id: open }]);
    expect((await findArchived(archive, foreign))?.request).toMatchObject({
      requestId: foreign,
      settlement: null,
    });
  });

  test("go fifty at a time", async () => {
    for (let count = 0; count < 51; count += 1) await settled();
    const retention = await idle();
    expect(await retention.step()).toBe(true);
    expect([await count("requests"), kept.size]).toEqual([1, 50]);
    expect(await retention.step()).toBe(false);
    expect([await count("requests"), retention.state.archived]).toEqual([0, 51]);
  });
});
