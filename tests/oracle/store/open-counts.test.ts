import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { countOpen, readOldestOpen } from "../../../oracle/store/open-counts.ts";
import { NEVER } from "../../../oracle/store/retry-time.ts";
import { openStore, type Store } from "../../../oracle/store/store.ts";
import { readPlans } from "../support/query-plans.ts";
import { describeStores, type TestStore } from "../support/stores.ts";

/** Rows that ended well, in each table: enough that reading them all is never the cheapest way. */
const ENDED = 5_000;

describeStores("the counts of what is open", (create) => {
  let place: TestStore;
  let store: Store;

  beforeAll(async () => {
    place = await create();
    store = await openStore(place.config);
    const insertRequests = (chain: number, phase: string, count: number): Promise<unknown> =>
      sql`insert into requests (chain_id, request_id, block_number, block_hash, block_time, tx_hash, log_index, consumer,
            request, payload, payload_uri, deadline, fee, released, phase, seen_at)
          select ${chain}::bigint, ${phase} || n, n, '0x', 0, '0x', 0, '0x', '{}', '0x', '', 0, '0', true, ${phase}, 0
          from generate_series(1, ${count}::int) n`.execute(store.db);
    const insertTransactions = (chain: number, state: string, count: number): Promise<unknown> =>
      sql`insert into transactions (chain_id, signer, nonce, kind, to_address, data, gas_limit, state, created_at, sent_at)
          select ${chain}::bigint, ${state}, n, 'fulfill', '0x', '0x', 0, ${state}, 0, 0
          from generate_series(1, ${count}::int) n`.execute(store.db);
    await insertRequests(1, "settled", ENDED);
    await insertRequests(1, "asked", 3);
    await insertRequests(1, "sent", 1);
    await insertRequests(2, "asked", 2);
    await insertTransactions(1, "final", ENDED);
    await insertTransactions(1, "pending", 2);
    await insertTransactions(1, "lost", 4);
    await insertTransactions(2, "mined", 1);
    await insertTransactions(2, "failed", 5);
  });

  afterAll(async () => {
    await store.close();
    await place.remove();
  });

  test("are by chain and phase or state, without what ended well", async () => {
    const { requests, transactions } = await countOpen(store);
    const byName = (rows: readonly object[]): string[] =>
      rows.map((row) => JSON.stringify(Object.values(row))).sort();
    expect(byName(requests)).toEqual(['[1,"asked",3]', '[1,"sent",1]', '[2,"asked",2]']);
    expect(byName(transactions)).toEqual([
      '[1,"lost",4]',
      '[1,"pending",2]',
      '[2,"failed",5]',
      '[2,"mined",1]',
    ]);
  });

  test("what is left to others is not waited for", async () => {
    const update = sql`update requests set retry_at = ${NEVER}::bigint where chain_id = 2`;
    await update.execute(store.db);
    expect(await readOldestOpen(store, [2])).toMatchObject([{ requestSince: null }]);
    await sql`update requests set retry_at = 0`.execute(store.db);
  });

  test("know what has waited longest, of each chain", async () => {
    await sql`update requests set block_time = block_number * 10 where chain_id = 1`.execute(store.db);
    expect(await readOldestOpen(store, [1, 2, 3])).toEqual([
      { chainId: 1, requestSince: 10, transactionSince: 0 },
      { chainId: 2, requestSince: 0, transactionSince: null },
      { chainId: 3, requestSince: null, transactionSince: null },
    ]);
  });

  test("are read from the indexes of what is open", async () => {
    await sql`vacuum analyze requests, transactions`.execute(store.db);
    const plans = await readPlans(store, countOpen);
    const indexes = plans.map((plan) => /(?:using|on) (\w+_\w+)/.exec(plan)?.[1]);
    expect(indexes).toEqual(["requests_open", "transactions_open", "transactions_ended_badly"]);
  });
});
