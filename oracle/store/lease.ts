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

/** The separator between a lease's name and that of a process that could hold it. */
const CANDIDATE = "#";

/**
 * Says for `ttlMs` that `holder` could do the named part, and reads who else could.
 *
 * @returns the processes that could, this one among them
 */
export async function standForLease(
  store: Store,
  name: string,
  holder: string,
  ttlMs: number,
): Promise<string[]> {
  await takeLease(store, `${name}${CANDIDATE}${holder}`, holder, ttlMs);
  const { rows } = await sql<{ holder: string }>`
    select holder from leases where starts_with(name, ${`${name}${CANDIDATE}`}) and expires_at > ${nowMs}`.execute(
    store.db,
  );
  return rows.map(({ holder: other }) => other);
}

export async function withdrawFromLease(store: Store, name: string, holder: string): Promise<void> {
  await releaseLease(store, `${name}${CANDIDATE}${holder}`, holder);
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
