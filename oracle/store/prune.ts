/** What leaves the store once the archive has it. */

import { sql } from "kysely";
import type { Hex } from "../../protocol/bytes.ts";
import type { Store } from "./store.ts";

export interface EndedQuery {
  readonly chainId: number;
  /** Seconds: asked in a block of before then. */
  readonly before: number;
  readonly limit: number;
}

/**
 * Requests that nothing can happen to any more, oldest first: settled, or nobody's here and past their deadline; none that a transaction
 * under way is for. The index by block holds the oldest first, since what was pruned is gone from it.
 */
export async function readEndedBefore(store: Store, { chainId, before, limit }: EndedQuery): Promise<Hex[]> {
  const { rows } = await sql<{ request_id: Hex }>`
    select r.request_id from requests r
    where r.chain_id = ${chainId} and r.block_time < ${before}
      and (r.phase = 'settled' or (not r.released and r.deadline < ${before}))
      and not exists (
        select from transaction_items i join transactions t on t.id = i.transaction_id
        where i.chain_id = r.chain_id and i.request_id = r.request_id and t.state in ('pending', 'mined'))
    order by r.block_number, r.log_index limit ${limit}`.execute(store.db);
  return rows.map(({ request_id }) => request_id);
}

const OF_REQUESTS = [
  "answers",
  "peer_leaves",
  "receipts",
  "refusals",
  "settlements",
  "deliveries",
  "quorum_events",
  "requests",
] as const;

/**
 * With all that hangs on them, in one transaction. Transactions go when the last of their requests does, but never the highest nonce of
 * a key: the next one is counted from it. What enclaves say of themselves stays, since other receipts share it.
 */
export async function pruneRequests(
  store: Store,
  chainId: number,
  requestIds: readonly Hex[],
): Promise<void> {
  const ids = [...requestIds];
  await store.db.transaction().execute(async (trx) => {
    const { rows } = await sql<{ transaction_id: number }>`
      delete from transaction_items where chain_id = ${chainId} and request_id = any(${ids})
      returning transaction_id`.execute(trx);
    const freed = [...new Set(rows.map(({ transaction_id }) => transaction_id))];
    const { rows: ended } = await sql<{ id: number }>`
      select t.id from transactions t
      where t.id = any(${freed}::bigint[]) and t.state in ('final', 'failed', 'lost')
        and not exists (select from transaction_items i where i.transaction_id = t.id)
        and exists (
          select from transactions n
          where n.chain_id = t.chain_id and n.signer = t.signer and n.nonce > t.nonce and n.state <> 'lost')`.execute(
      trx,
    );
    const transactions = ended.map(({ id }) => id);
    await sql`delete from attempts where transaction_id = any(${transactions}::bigint[])`.execute(trx);
    await sql`delete from transactions where id = any(${transactions}::bigint[])`.execute(trx);
    for (const table of OF_REQUESTS) {
      await sql`delete from ${sql.table(table)} where chain_id = ${chainId} and request_id = any(${ids})`.execute(
        trx,
      );
    }
  });
}
