import { sql } from "kysely";
import { ChainError } from "../../protocol/errors.ts";
import type { Store, StoreTransaction } from "./store.ts";

/** The database's clock: nodes on several hosts agree on it. */
const nowMs = sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`;

/** @returns whether `holder` has the named part to itself for the next `ttlMs` milliseconds */
export async function takeLease(store: Store, name: string, holder: string, ttlMs: number): Promise<boolean> {
  const { rows } = await sql<{ holder: string }>`
    insert into leases (name, holder, expires_at) values (${name}, ${holder}, ${nowMs} + ${ttlMs}::bigint)
    on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at
      where leases.holder = excluded.holder or leases.expires_at < ${nowMs}
    returning holder`.execute(store.db);
  return rows.length > 0;
}

export async function releaseLease(store: Store, name: string, holder: string): Promise<void> {
  await store.db.deleteFrom("leases").where("name", "=", name).where("holder", "=", holder).execute();
}

/**
 * The fence: makes the caller's transaction fail when somebody took the part over meanwhile. A process that was paused
 * for longer than its lease cannot know it; the row lock does.
 *
 * @throws {ChainError} CHAIN_RPC_DISAGREEMENT (retryable) when the lease is another's
 */
export async function requireLease(trx: StoreTransaction, name: string, holder: string): Promise<void> {
  const row = await trx
    .selectFrom("leases")
    .select("holder")
    .where("name", "=", name)
    .forUpdate()
    .executeTakeFirst();
  if (row?.holder !== holder) {
    throw new ChainError({
      code: "CHAIN_RPC_DISAGREEMENT",
      message: "another node has taken this part over",
      details: { lease: name },
    });
  }
}
