import { sql } from "kysely";
import { NEVER } from "./retry-time.ts";
import type { RequestPhase, TransactionState } from "./schema.ts";
import type { ReadableStore } from "./store.ts";

/** Requests that wait, and those that went wrong; an empty group is left out. */
export interface OpenCounts {
  readonly requests: readonly {
    readonly chainId: number;
    readonly phase: Exclude<RequestPhase, "settled">;
    readonly count: number;
  }[];
  readonly transactions: readonly {
    readonly chainId: number;
    readonly state: Exclude<TransactionState, "final">;
    readonly count: number;
  }[];
}

export interface OldestOpen {
  readonly chainId: number;
  /** Seconds: the block time of the oldest request that is this node's to settle, and not left to others; `null` for none. */
  readonly requestSince: number | null;
  /** Milliseconds: when the oldest transaction was sent that is not mined; `null` for none. */
  readonly transactionSince: number | null;
}

/** The longest waiting requests, by chain: each is the first of an index of open ones. */
export async function readOldestOpen(
  store: ReadableStore,
  chainIds: readonly number[],
): Promise<OldestOpen[]> {
  const { rows } = await sql<OldestOpen>`
    select c.id as "chainId",
      (select min(first.block_time) from unnest(array['asked', 'answered', 'refused', 'sent']) p, lateral (
        select block_time from requests r where r.chain_id = c.id and r.phase = p and r.phase <> 'settled' and r.retry_at <> ${NEVER}::bigint
        order by r.block_number limit 1) first) as "requestSince",
      (select min(created_at) from transactions t where t.chain_id = c.id and t.state = 'pending') as "transactionSince"
    from unnest(${[...chainIds]}::bigint[]) as c (id)`.execute(store.db);
  return rows;
}

/**
 * Counts what is open, however much has ended: each condition is word for word that of a partial index, and no other row is
 * looked at.
 */
export async function countOpen(store: ReadableStore): Promise<OpenCounts> {
  const [requests, inFlight, endedBadly] = await Promise.all([
    sql<OpenCounts["requests"][number]>`
      select chain_id as "chainId", phase, count(*) as count from requests
      where phase <> 'settled' group by chain_id, phase`.execute(store.db),
    sql<OpenCounts["transactions"][number]>`
      select chain_id as "chainId", state, count(*) as count from transactions
      where state in ('pending', 'mined') group by chain_id, state`.execute(store.db),
    sql<OpenCounts["transactions"][number]>`
      select chain_id as "chainId", state, count(*) as count from transactions
      where state in ('failed', 'lost') group by chain_id, state`.execute(store.db),
  ]);
  return { requests: requests.rows, transactions: [...inFlight.rows, ...endedBadly.rows] };
}
