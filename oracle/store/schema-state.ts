/** How old the tables of a store are, beside those that this version makes. */

import { type Kysely, sql } from "kysely";
import { DEFAULT_MIGRATION_TABLE } from "kysely/migration";

export interface SchemaState {
  /** "empty": no node has used the store yet. */
  readonly age: "same" | "older" | "newer" | "empty";
  /** The first step that only one of both knows; `null` where there is none. */
  readonly migration: string | null;
}

/** @param known the steps of this version, oldest first */
export async function readSchemaState<Schema>(
  db: Kysely<Schema>,
  known: readonly string[],
): Promise<SchemaState> {
  const { rows: tables } = await sql<{ isThere: boolean }>`
    select to_regclass(${DEFAULT_MIGRATION_TABLE}) is not null as "isThere"`.execute(db);
  if (tables[0]?.isThere !== true) return { age: "empty", migration: null };
  const { rows } = await sql<{ name: string }>`
    select name from ${sql.table(DEFAULT_MIGRATION_TABLE)} order by name`.execute(db);
  const made = rows.map(({ name }) => name);
  const unknown = made.find((name) => !known.includes(name));
  if (unknown !== undefined) return { age: "newer", migration: unknown };
  const missing = known.find((name) => !made.includes(name));
  if (missing === undefined) return { age: "same", migration: null };
  return made.length === 0 ? { age: "empty", migration: null } : { age: "older", migration: missing };
}
