import { expect, test } from "vitest";
import type { Store } from "../../../oracle/store/store.ts";
import { settledSpans } from "../../../oracle/telemetry/settled-spans.ts";
import { aRequest, CHAIN_ID, REQUESTED_AT, storeRequest, word } from "../support/requests.ts";
import { describeStores, useStore } from "../support/stores.ts";

/** PostgreSQL takes 65,535 parameters in a statement. */
const MANY = 66_000;

describeStores("the spans of settled requests", (create) => {
  let store: Store;

  useStore(create, (opened) => {
    store = opened;
  });

  test("are told however many were read at once", async () => {
    const requestId = await storeRequest(store, aRequest());
    await store.db
      .insertInto("settlements")
      .values({
        ...{ chain_id: CHAIN_ID, request_id: requestId, kind: "fulfilled", status: 1, keyset_id: word(5) },
        ...{ callback_succeeded: true, block_number: 8, block_hash: word(8), tx_hash: word(6), log_index: 0 },
      })
      .execute();
    const read = [...Array.from({ length: MANY }, (_, index) => word(index)), requestId];
    const spans = await settledSpans(store, CHAIN_ID, read, REQUESTED_AT * 1_000);
    expect(spans).toMatchObject([{ name: "request", requestId, outcome: "fulfilled" }]);
  });
});
