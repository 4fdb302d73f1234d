import { expect, test } from "vitest";
import { sql } from "kysely";
import { createLogger } from "../../../oracle/log.ts";
import { StoreProbe } from "../../../oracle/store/store-probe.ts";
import type { Store } from "../../../oracle/store/store.ts";
import { describeStores, useStore } from "../support/stores.ts";

describeStores("whether a store takes rows", (create) => {
  let store: Store;

  useStore(create, (opened) => {
    store = opened;
  });

  test("is found out by writing one, while all that only read find it well", async () => {
    const said: string[] = [];
    const log = createLogger({
      level: "info",
      write: (line) => said.push((JSON.parse(line) as { event: string }).event),
      now: () => 0,
    });
    const probe = new StoreProbe({ store, holder: "us", log, now: () => 5_000 });
    await probe.look();
    expect(probe.health).toEqual({ writable: true, writeMs: 0, writtenSecondsAgo: 0, failures: 0 });
    await sql`alter table leases rename to leases_elsewhere`.execute(store.db);
    await probe.look();
    await probe.look();
    expect(probe.health.writable).toBe(false);
    expect(probe.health.failures).toBeGreaterThanOrEqual(2);
    await sql`alter table leases_elsewhere rename to leases`.execute(store.db);
    await probe.look();
    expect(probe.health.writable).toBe(true);
    expect(said).toEqual(["store.not-writable", "store.writable"]);
    await probe.stop();
  });
});
