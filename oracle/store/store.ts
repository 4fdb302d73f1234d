import { PGlite, types as pgliteTypes } from "@electric-sql/pglite";
import { CompiledQuery, Kysely, PGliteDialect, PostgresDialect } from "kysely";
import type { Transaction } from "kysely";
import { Pool, types as pgTypes } from "pg";
import { fromPglite } from "pg-boss";
import type { ConstructorOptions as BossOptions, Db as BossDb } from "pg-boss";
import { checkStore } from "./check-store.ts";
import { createDirectoryLock } from "./directory-lock.ts";
import { migrateStore } from "./migrations.ts";
import type { StoreSchema } from "./schema.ts";
import type { StoreConfig } from "./store-config.ts";

export type StoreTransaction = Transaction<StoreSchema>;

export interface Store {
  readonly kind: StoreConfig["kind"];
  readonly db: Kysely<StoreSchema>;
  /** How pg-boss reaches the same database. */
  readonly boss: Pick<BossOptions, "db" | "backend" | "connectionString" | "max">;
  /** Housekeeping that the embedded store does not do by itself; does nothing on PostgreSQL. */
  maintain(): Promise<void>;
  close(): Promise<void>;
}

/** The transaction as pg-boss wants it, so that a job and the rows it produced commit together. */
export function bossTransaction(trx: StoreTransaction): BossDb {
  return {
    executeSql: async (text, values) => {
      const result = await trx.executeQuery(CompiledQuery.raw(text, values ?? []));
      return { rows: [...result.rows] };
    },
  };
}

/** Heap, blocks and times fit a double; wei is text. */
const INT8 = 20;

async function openPglite(path: string): Promise<Store> {
  const lock = createDirectoryLock(path);
  try {
    const pglite = await PGlite.create({
      dataDir: `${path}/pg`,
      parsers: { [pgliteTypes.INT8]: Number },
    });
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

const toNumber = (text: string): number => Number(text);
const defaultParser = pgTypes.getTypeParser as (
  id: number,
  format?: "text" | "binary",
) => (text: string) => unknown;

async function openPostgres(url: string): Promise<Store> {
  await checkStore({ kind: "postgres", url });
  const pool = new Pool({
    connectionString: url,
    max: 8,
    types: {
      getTypeParser: (id: number, format?: "text" | "binary") =>
        id === INT8 && format !== "binary" ? toNumber : defaultParser(id, format),
    },
  });
  // An idle connection that breaks (database restart) emits on the pool; one in use on its client, beside the failure of
  // its query. Without a listener either would end the process. The next query opens another connection.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  const db = new Kysely<StoreSchema>({ dialect: new PostgresDialect({ pool }) });
  return {
    kind: "postgres",
    db,
    boss: { connectionString: url, backend: "postgres", max: 4 },
    maintain: () => Promise.resolve(),
    close: () => db.destroy(),
  };
}

/**
 * Opens the store and brings its schema up to date.
 *
 * @throws {ConfigError} CONFIG_INVALID when another process holds an embedded store, or PostgreSQL cannot be used
 */
export async function openStore(config: StoreConfig): Promise<Store> {
  const store = config.kind === "pglite" ? await openPglite(config.path) : await openPostgres(config.url);
  try {
    await migrateStore(store.db);
    if (store.kind === "pglite") {
      // One owner: whoever held a lease is dead.
      await store.db.deleteFrom("leases").execute();
    }
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}
