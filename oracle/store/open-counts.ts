import { sql } from "kysely";
import type { RequestPhase, TransactionState } from "./schema.ts";
import type { Store } from "./store.ts";

/** What waits for something, and what went wrong; a group of nothing is left out. */
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

/**
 * Counts what is open, however much has ended: each condition is word for word that of a partial index, and no other row is
 * looked at.
 */
export async function countOpen(store: Store): Promise<OpenCounts> {
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
