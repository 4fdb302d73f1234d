import { sql } from "kysely";
import { beforeAll, expect, test } from "vitest";
import { listRequests } from "../../../oracle/store/list-requests.ts";
import type { Store } from "../../../oracle/store/store.ts";
import { readPlans } from "../support/query-plans.ts";
import { describeStores, useStore } from "../support/stores.ts";

/** Requests, of which each consumer has ten: enough that reading them all is never the cheapest way. */
const REQUESTS = 5_000;
const CONSUMERS = 500;

describeStores("the list of requests", (create) => {
  let store: Store;

  useStore(create, (opened) => {
    store = opened;
  });

  beforeAll(async () => {
    await sql`
      insert into requests (chain_id, request_id, block_number, block_hash, block_time, tx_hash, log_index, consumer,
        request, payload, payload_uri, deadline, fee, released, phase, seen_at)
      select 1, 'id' || n, n, '0x', 0, '0x', 0, 'consumer' || n % ${CONSUMERS}::int, '{}', '0x', '', 0, '0', true, 'settled', 0
      from generate_series(1, ${REQUESTS}::int) n`.execute(store.db);
    await sql`vacuum analyze requests`.execute(store.db);
  });

  test("of one consumer is newest first, page by page, and read from its index", async () => {
    const filter = { chainId: 1, consumer: "consumer7", limit: 2 };
    const page = await listRequests(store, filter);
    expect(page.map(({ requestId }) => requestId)).toEqual(["id4507", "id4007"]);
    const next = { ...filter, before: page[1] };
    expect((await listRequests(store, next)).map(({ requestId }) => requestId)).toEqual(["id3507", "id3007"]);
    for (const asked of [filter, next]) {
      const [plan] = await readPlans(store, (listened) => listRequests(listened, asked));
      expect(plan).toContain("Index Scan Backward using requests_by_consumer");
      expect(plan).not.toContain("Sort");
    }
  });
});
