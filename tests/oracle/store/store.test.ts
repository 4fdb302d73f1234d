import { sql } from "kysely";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { releaseLease, requireLease, takeLease } from "../../../oracle/store/lease.ts";
import { openStore, type Store } from "../../../oracle/store/store.ts";
import { createPostgresStore, describePostgres, describeStores, type TestStore } from "../support/stores.ts";

/** Milliseconds. A lease of less than nothing has run out when it is taken. */
const LONG = 600_000;
const RUN_OUT = -1;
/** Above 2^31 and below 2^53: must come back as a number from either driver. */
const LARGE = 1_790_000_000_123;

describeStores("a store", (create) => {
  let place: TestStore;
  let store: Store;

  beforeAll(async () => {
    place = await create();
    store = await openStore(place.config);
  });

  afterAll(async () => {
    await store.close();
    await place.remove();
  });

  test("gives a lease to one holder, and to the next when it has run out or was given back", async () => {
    expect(await takeLease(store, "watch:1", "first", LONG)).toBe(true);
    expect(await takeLease(store, "watch:1", "second", LONG)).toBe(false);
    expect(await takeLease(store, "watch:2", "second", LONG)).toBe(true);
    expect(await takeLease(store, "watch:1", "first", RUN_OUT)).toBe(true);
    expect(await takeLease(store, "watch:1", "second", LONG)).toBe(true);
    await releaseLease(store, "watch:1", "first");
    expect(await takeLease(store, "watch:1", "first", LONG)).toBe(false);
    await releaseLease(store, "watch:1", "second");
    expect(await takeLease(store, "watch:1", "first", LONG)).toBe(true);
  });

  test("a holder that was paused beyond its lease writes nothing", async () => {
    await takeLease(store, "watch:3", "paused", RUN_OUT);
    await takeLease(store, "watch:3", "successor", LONG);
    const write = (holder: string): Promise<void> =>
      store.db.transaction().execute(async (trx) => {
        await trx.insertInto("blocks").values({ chain_id: 3, number: LARGE, hash: "0x01" }).execute();
        await requireLease(trx, "watch:3", holder);
      });
    const written = store.db.selectFrom("blocks").selectAll().where("chain_id", "=", 3);
    await expect(write("paused")).rejects.toMatchObject({ code: "CHAIN_RPC_DISAGREEMENT", retryable: true });
    expect(await written.execute()).toEqual([]);
    await write("successor");
    expect(await written.execute()).toHaveLength(1);
  });

  test("keeps its rows when it is closed and opened again, and numbers as numbers; emptied, it opens as new", async () => {
    const block = { chain_id: 4, number: LARGE, hash: "0x01" };
    await store.db.insertInto("blocks").values(block).execute();
    await store.close();
    store = await openStore(place.config);
    expect(await store.db.selectFrom("blocks").selectAll().where("chain_id", "=", 4).execute()).toEqual([
      block,
    ]);
    await store.close();
    await place.empty();
    store = await openStore(place.config);
    expect(await store.db.selectFrom("blocks").selectAll().execute()).toEqual([]);
  });
});

describePostgres("a store of several nodes", (create) => {
  test("three nodes that start at once on an empty database make one schema, and keep each other's leases", async () => {
    const place = await create();
    const nodes = await Promise.all(["first", "second", "third"].map(() => openStore(place.config)));
    const taken = await Promise.all(
      nodes.map((node, index) => takeLease(node, "watch:1", `node ${index}`, LONG)),
    );
    expect(taken.filter(Boolean)).toHaveLength(1);
    const late = await openStore(place.config);
    expect(await takeLease(late, "watch:1", "late", LONG)).toBe(false);
    await Promise.all([...nodes, late].map((node) => node.close()));
    await place.remove();
  });

  test("connections that the server drops, idle and in use, are replaced", async () => {
    const place = await create();
    const [node, other] = await Promise.all([openStore(place.config), openStore(place.config)]);
    const inUse = node.db.transaction().execute(async (trx) => {
      await sql`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`.execute(other.db);
      await trx.selectFrom("blocks").selectAll().execute();
    });
    await expect(inUse).rejects.toThrow();
    await vi.waitFor(async () => {
      expect(await node.db.selectFrom("blocks").selectAll().execute()).toEqual([]);
    });
    await Promise.all([node.close(), other.close()]);
    await place.remove();
  });

  test.for(["LATIN1", "SQL_ASCII"])(
    "a database in %s is refused: it cannot hold every answer",
    async (encoding) => {
      const place = await createPostgresStore(encoding);
      await expect(openStore(place.config)).rejects.toMatchObject({
        code: "CONFIG_INVALID",
        details: { encoding },
      });
      await place.remove();
    },
  );

  test("a database that does not exist is said to be missing, by name and without its password", async () => {
    const place = await create();
    await place.remove();
    expect(place.config.kind).toBe("postgres");
    if (place.config.kind !== "postgres") return;
    const url = new URL(place.config.url);
    url.password = "a-secret";
    const failure = openStore({ kind: "postgres", url: url.href });
    await expect(failure).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await expect(failure).rejects.toThrow(new RegExp(`database "${url.pathname.slice(1)}" does not exist`));
    await expect(failure).rejects.not.toThrow(/a-secret/);
  });
});
