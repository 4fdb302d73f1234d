/** The outcomes of transactions, and which of their requests are free again. */

import { sql } from "kysely";
import type { Hex } from "../../../protocol/bytes.ts";
import { readBlocks } from "../blocks.ts";
import { refreshPhases } from "../phases.ts";
import type { TransactionState } from "../schema.ts";
import type { StoreTransaction } from "../store.ts";
import type { OpenTransaction } from "./transaction.ts";

export interface TransactionOutcome {
  readonly id: number;
  readonly state: Exclude<TransactionState, "pending" | "final">;
  readonly block?: { readonly number: number; readonly hash: Hex };
}

/**
 * Marks those as mined whose hash a settlement names: what the journal has read needs no receipt.
 *
 * @param pending looked for by their hashes, so that the work grows with what is in flight and not with the past
 * @returns their ids
 */
export async function markSettlingTransactions(
  trx: StoreTransaction,
  chainId: number,
  pending: readonly OpenTransaction[],
): Promise<number[]> {
  const idOf = new Map(
    pending.flatMap(({ id, attempts }) => attempts.map(({ hash }) => [hash as string, id])),
  );
  const rows = await trx
    .selectFrom("settlements")
    .distinctOn("tx_hash")
    .select(["tx_hash", "block_number", "block_hash"])
    .where("chain_id", "=", chainId)
    .where(sql<boolean>`tx_hash = any(${[...idOf.keys()]})`)
    .execute();
  const mined = rows.flatMap(({ tx_hash, block_number, block_hash }) => {
    const id = idOf.get(tx_hash);
    return id === undefined
      ? []
      : [{ id, state: "mined" as const, block: { number: block_number, hash: block_hash as Hex } }];
  });
  return setOutcomes(trx, mined);
}

/** Which outcomes count, since the journal has read their blocks as they are. */
export interface RecordedOutcomes {
  readonly recorded: readonly TransactionOutcome[];
  /** The lowest block among the others that the journal has yet to read; `undefined` for none. */
  readonly awaited: number | undefined;
}

/**
 * Records what became of transactions; the requests of failed and lost ones are free to be settled again. A reorg reopens
 * what was recorded in blocks that the journal had read, and no others: an outcome in any other block is left for later.
 */
export async function recordOutcomes(
  trx: StoreTransaction,
  chainId: number,
  outcomes: readonly TransactionOutcome[],
): Promise<RecordedOutcomes> {
  const blocks = outcomes.flatMap(({ block }) => block ?? []);
  const { newest, hashes } = await readBlocks(
    trx,
    chainId,
    blocks.map(({ number }) => number),
  );
  const recorded = outcomes.filter(
    ({ block }) =>
      block === undefined ||
      // Of a long range that was read, not every block is kept.
      (block.number <= newest && (hashes.get(block.number) ?? block.hash) === block.hash),
  );
  await setOutcomes(trx, recorded);
  const ended = recorded.filter(({ state }) => state !== "mined").map(({ id }) => id);
  await freeItems(trx, chainId, ended);
  const ahead = blocks.map(({ number }) => number).filter((number) => number > newest);
  return { recorded, awaited: ahead.sort((a, b) => a - b)[0] };
}

/** @returns the ids of those that were pending until now */
async function setOutcomes(
  trx: StoreTransaction,
  outcomes: readonly TransactionOutcome[],
): Promise<number[]> {
  if (outcomes.length === 0) return [];
  const { rows } = await sql<{ id: number }>`
    update transactions t set state = o.state, block_number = o.block_number, block_hash = o.block_hash
    from unnest(
      ${outcomes.map(({ id }) => id)}::bigint[], ${outcomes.map(({ state }) => state)}::text[],
      ${outcomes.map(({ block }) => block?.number ?? null)}::bigint[],
      ${outcomes.map(({ block }) => block?.hash ?? null)}::text[]) as o (id, state, block_number, block_hash)
    where t.id = o.id and t.state = 'pending' returning t.id`.execute(trx);
  return rows.map(({ id }) => id);
}

/**
 * Closes mined transactions that have their confirmations. A request that one of them should have settled and did not (an item of
 * a batch that the contract skipped) is free to be settled again.
 *
 * @returns how many were closed
 */
export async function finalizeTransactions(
  trx: StoreTransaction,
  chainId: number,
  settledNumber: number,
): Promise<number> {
  const closed = await trx
    .updateTable("transactions")
    .set({ state: "final" })
    .where("chain_id", "=", chainId)
    .where("state", "=", "mined")
    .where("block_number", "<=", settledNumber)
    .returning("id")
    .execute();
  await freeItems(
    trx,
    chainId,
    closed.map(({ id }) => id),
  );
  return closed.length;
}

async function freeItems(
  trx: StoreTransaction,
  chainId: number,
  transactionIds: readonly number[],
): Promise<void> {
  if (transactionIds.length === 0) return;
  const { rows: freed } = await sql<{ request_id: string; is_settled: boolean }>`
    update transaction_items i set live = false
    where i.transaction_id = any(${[...transactionIds]}::bigint[]) and i.live
    returning i.request_id, exists (
      select 1 from settlements s where s.chain_id = i.chain_id and s.request_id = i.request_id) as is_settled`.execute(
    trx,
  );
  await refreshPhases(
    trx,
    chainId,
    // Settled requests stay settled.
    freed.filter(({ is_settled }) => !is_settled).map(({ request_id }) => request_id),
  );
}
