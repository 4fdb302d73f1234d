import { sql } from "kysely";
import { inParts } from "../parts.ts";
import { refreshPhases } from "../phases.ts";
import type { StoreTransaction } from "../store.ts";

/** After a reorg to `above`: what was mined higher may be mined again, or never. The transmitter sends it again. */
export async function reopenTransactions(
  trx: StoreTransaction,
  chainId: number,
  above: number,
): Promise<void> {
  const reopened = await trx
    .updateTable("transactions")
    .set({ state: "pending", block_number: null, block_hash: null, sent_at: 0 })
    .where("chain_id", "=", chainId)
    .where("state", "in", ["mined", "failed", "final"])
    .where("block_number", ">", above)
    .returning("id")
    .execute();
  // Of several that were to settle the same request, the newest: it was made because the others had not.
  const newestFirst = reopened.map(({ id }) => id).toSorted((a, b) => b - a);
  for (const part of inParts(newestFirst)) await reviveItems(trx, chainId, part);
}

/** Items of transactions count again, where no other transaction's do. */
async function reviveItems(trx: StoreTransaction, chainId: number, ids: readonly number[]): Promise<void> {
  const { rows: live } = await sql<{ request_id: string }>`
    with free as (
      select distinct on (i.request_id) i.transaction_id, i.request_id from transaction_items i
      where i.transaction_id = any(${[...ids]}::bigint[]) and not exists (
        select from transaction_items other
        where other.chain_id = i.chain_id and other.request_id = i.request_id and other.live)
      order by i.request_id, i.transaction_id desc)
    update transaction_items i set live = true from free
    where i.transaction_id = any(${[...ids]}::bigint[])
      and i.transaction_id = free.transaction_id and i.request_id = free.request_id
    returning i.request_id`.execute(trx);
  await refreshPhases(
    trx,
    chainId,
    live.map(({ request_id }) => request_id),
  );
}
