/** A store that this process may only read: on PostgreSQL, beside the nodes that write it, or on a replica of theirs. */

import { Kysely, PostgresDialect } from "kysely";
import { ConfigError } from "../../protocol/errors.ts";
import { checkStore } from "./check-store.ts";
import { MIGRATION_NAMES } from "./migrations.ts";
import { createPostgresPool, PATIENCE } from "./postgres-pool.ts";
import type { StoreSchema } from "./schema.ts";
import { readSchemaState, type SchemaState } from "./schema-state.ts";
import type { Store } from "./store.ts";

/** Whatever the role may do: a statement that would write is refused (25006). */
const READ_ONLY = "-c default_transaction_read_only=on";
const CONNECTIONS = 8;

/**
 * Opens a store of PostgreSQL, and changes nothing in it, its tables neither.
 *
 * @param url `postgresql://…`
 * @throws {ConfigError} CONFIG_INVALID when it cannot be used, was never used, or has tables of another version
 */
export async function openForReading(url: string): Promise<Pick<Store, "db" | "close">> {
  await checkStore({ kind: "postgres", url });
  const pool = createPostgresPool({
    connectionString: url,
    max: CONNECTIONS,
    options: READ_ONLY,
    application_name: "adyton-serve",
    ...PATIENCE,
  });
  const db = new Kysely<StoreSchema>({ dialect: new PostgresDialect({ pool }) });
  try {
    checkSchema(await readSchema(db));
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return { db, close: () => db.destroy() };
}

export function readSchema(db: Kysely<StoreSchema>): Promise<SchemaState> {
  return readSchemaState(db, MIGRATION_NAMES);
}

/** @throws {ConfigError} CONFIG_INVALID, saying who is to be upgraded */
export function checkSchema({ age, migration }: SchemaState): void {
  if (age === "same") return;
  const message = {
    empty:
      "no node has used this database yet: start one on it first (adyton oracle run), which makes its tables",
    older: `the store is of an older version of Adyton (it lacks ${migration ?? ""}): start a node of this version on it, which brings it up to date, or serve it with the version of its nodes`,
    newer: `the store was written by a newer version of Adyton (${migration ?? ""}): serve it with that version`,
  }[age];
  throw new ConfigError({ code: "CONFIG_INVALID", message, details: { migration } });
}
