import { PGlite, types as pgliteTypes } from "@electric-sql/pglite";
import { CompiledQuery, Kysely, PGliteDialect, PostgresDialect, type Transaction } from "kysely";
import { type Db as BossDb, type ConstructorOptions as BossOptions, fromPglite } from "pg-boss";
import { checkStore } from "./check-store.ts";
import { createDirectoryLock } from "./directory-lock.ts";
import { migrateStore } from "./migrations.ts";
import { createPostgresPool, PATIENCE } from "./postgres-pool.ts";
import type { StoreSchema } from "./schema.ts";
import type { StoreConfig } from "./store-config.ts";

export type StoreTransaction = Transaction<StoreSchema>;

export interface Store {
  readonly kind: StoreConfig["kind"];
  readonly db: Kysely<StoreSchema>;
  /** How pg-boss reaches the same database. */
  readonly boss: Pick<BossOptions, "db" | "backend" | "connectionString" | "max"> & Partial<typeof PATIENCE>;
  /** Housekeeping that the embedded store does not do by itself; does nothing on PostgreSQL. */
  maintain(): Promise<void>;
  close(): Promise<void>;
}

/** A store as far as it is read. */
export type ReadableStore = Pick<Store, "db">;

/** The transaction as pg-boss wants it, so that a job and the rows it produced commit together. */
export function bossTransaction(trx: Pick<StoreTransaction, "executeQuery">): BossDb {
  return {
    executeSql: async (text, values) => {
      const result = await trx.executeQuery(CompiledQuery.raw(text, values ?? []));
      return { rows: [...result.rows] };
    },
  };
}

async function openPglite(path: string): Promise<Store> {
  const lock = createDirectoryLock(path);
  try {
    const pglite = await PGlite.create({
      dataDir: `${path}/pg`,
      parsers: { [pgliteTypes.INT8]: Number },
    });
    // ANALYZE reads 300 rows for each unit of it, and keeps the process's one thread meanwhile: with the default of 100, for
    // over a second a minute. The queries here need no finer statistics.
    await pglite.exec("SET default_statistics_target = 10");
    const db = new Kysely<StoreSchema>({ dialect: new PGliteDialect({ pglite }) });
    return {
      kind: "pglite",
      db,
      boss: { db: fromPglite(pglite), backend: "pglite" },
      async maintain() {
        // PGlite has no autovacuum and no checkpointer: without these the directory grows without bound, and plans are made
        // for tables as small as they once were.
        await pglite.exec("VACUUM (ANALYZE)");
        await pglite.exec("CHECKPOINT");
      },
      async close() {
        await db.destroy();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function openPostgres(url: string): Promise<Store> {
  await checkStore({ kind: "postgres", url });
  await migratePostgres(url);
  const pool = createPostgresPool({ connectionString: url, max: 8, ...PATIENCE });
  const db = new Kysely<StoreSchema>({ dialect: new PostgresDialect({ pool }) });
  return {
    kind: "postgres",
    db,
    // pg-boss passes options that it does not know on to the driver.
    boss: { connectionString: url, backend: "postgres", max: 4, ...PATIENCE },
    maintain: () => Promise.resolve(),
    close: () => db.destroy(),
  };
}

/** By connections of its own: an index of a large table takes longer than a query may, and so does a node that is first. */
async function migratePostgres(url: string): Promise<void> {
  const { connectionTimeoutMillis, keepAlive, keepAliveInitialDelayMillis } = PATIENCE;
  const pool = createPostgresPool({
    connectionString: url,
    connectionTimeoutMillis,
    keepAlive,
    keepAliveInitialDelayMillis,
  });
  const db = new Kysely<StoreSchema>({ dialect: new PostgresDialect({ pool }) });
  try {
    await migrateStore(db);
  } finally {
    await db.destroy();
  }
}

/**
 * Opens the store and brings its schema up to date.
 *
 * @throws {ConfigError} CONFIG_INVALID when another process holds an embedded store, or PostgreSQL cannot be used
 */
export async function openStore(config: StoreConfig): Promise<Store> {
  if (config.kind === "postgres") return openPostgres(config.url);
  const store = await openPglite(config.path);
  try {
    await migrateStore(store.db);
    // One owner: whoever held a lease is dead.
    await store.db.deleteFrom("leases").execute();
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}
