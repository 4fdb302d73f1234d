import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { CompiledQuery, Kysely, PostgresDialect } from "kysely";
import { PgBoss } from "pg-boss";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createPostgresPool, PATIENCE } from "../../../oracle/store/postgres-pool.ts";
import { openStore } from "../../../oracle/store/store.ts";
import { describePostgres, type TestStore } from "../support/stores.ts";

/** Milliseconds. */
const QUERY_TIMEOUT = 200;
const ONE = CompiledQuery.raw("select 1 as one");

describePostgres("connections", (create) => {
  let place: TestStore;
  let direct: URL;
  let server: Server;
  /** Nothing that is sent arrives, and nobody is told. */
  let partitioned: boolean;
  let opened: number;
  let db: Kysely<object>;

  beforeEach(async () => {
    place = await create();
    if (place.config.kind !== "postgres") throw new Error("not a PostgreSQL store");
    direct = new URL(place.config.url);
    partitioned = false;
    opened = 0;
    server = createServer((socket) => {
      opened += 1;
      const upstream = connect(Number(direct.port), direct.hostname);
      socket.on("data", (bytes) => partitioned || upstream.write(bytes));
      upstream.on("data", (bytes) => socket.write(bytes));
      for (const [end, other] of [
        [socket, upstream],
        [upstream, socket],
      ] as const) {
        end.on("error", () => undefined);
        end.on("close", () => other.destroy());
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = new URL(direct);
    url.hostname = "127.0.0.1";
    url.port = `${(server.address() as AddressInfo).port}`;
    const pool = createPostgresPool({
      connectionString: url.href,
      max: 1,
      ...PATIENCE,
      query_timeout: QUERY_TIMEOUT,
    });
    db = new Kysely({ dialect: new PostgresDialect({ pool }) });
  });

  afterEach(async () => {
    await db.destroy();
    await new Promise((resolve) => server.close(resolve));
    await place.remove();
  });

  test("one that a partition left half open is replaced after the first query that it does not answer", async () => {
    await db.executeQuery(ONE);
    partitioned = true;
    await expect(db.executeQuery(ONE)).rejects.toThrow();
    partitioned = false;
    expect((await db.executeQuery(ONE)).rows).toEqual([{ one: 1 }]);
    expect(opened).toBe(2);
  });

  test("one that falls silent inside a transaction is replaced, and its rollback not waited for", async () => {
    const broken = db.transaction().execute(async (trx) => {
      await trx.executeQuery(ONE);
      partitioned = true;
      await trx.executeQuery(ONE);
    });
    await expect(broken).rejects.toThrow();
    partitioned = false;
    expect((await db.executeQuery(ONE)).rows).toEqual([{ one: 1 }]);
    expect(opened).toBe(2);
  });

  test("one whose query the server refuses is kept", async () => {
    await expect(db.executeQuery(CompiledQuery.raw("select 1 / 0"))).rejects.toMatchObject({ code: "22012" });
    expect((await db.executeQuery(ONE)).rows).toEqual([{ one: 1 }]);
    expect(opened).toBe(1);
  });

  test("of the queue have the same patience", async () => {
    const store = await openStore(place.config);
    const boss = new PgBoss({ ...store.boss, schedule: false, supervise: false });
    await boss.start();
    // `getDb` gives pg-boss's own, whose pool its types leave out.
    const { pool } = boss.getDb() as unknown as { readonly pool: { readonly options: object } };
    expect(pool.options).toMatchObject(PATIENCE);
    await boss.stop({ graceful: false, close: true });
    await store.close();
  });
});
