/** The transactions that wait to be mined, and their purpose. */

import { sql } from "kysely";
import type { Hex } from "../../../protocol/bytes.ts";
import type { Store } from "../store.ts";
import type { OpenTransaction, TransactionCall } from "./transaction.ts";

/** Transactions not yet mined, lowest nonce first; without their bytes, since most are never needed again. */
export async function pendingTransactions(store: Store, chainId: number): Promise<OpenTransaction[]> {
  const rows = await store.db
    .selectFrom("transactions")
    .innerJoin("attempts", "attempts.transaction_id", "transactions.id")
    .select(["id", "signer", "nonce", "kind", "gas_limit", "fee_cap", "sent_at"])
    .select(["hash", "max_fee", "priority_fee"])
    .where("chain_id", "=", chainId)
    .where("state", "=", "pending")
    .orderBy("nonce")
    .orderBy("attempts.created_at")
    .execute();
  return [...Map.groupBy(rows, ({ id }) => id).values()].flatMap((attempts) => {
    const [row] = attempts;
    return row === undefined
      ? []
      : [
          {
            id: row.id,
            signer: row.signer as Hex,
            nonce: row.nonce,
            kind: row.kind,
            gasLimit: row.gas_limit,
            feeCap: row.fee_cap === null ? undefined : BigInt(row.fee_cap),
            sentAt: row.sent_at,
            attempts: attempts.map(({ hash, max_fee, priority_fee }) => ({
              hash: hash as Hex,
              maxFee: BigInt(max_fee),
              priorityFee: BigInt(priority_fee),
            })),
          },
        ];
  });
}

/** The bytes that were signed under these hashes, in their order. */
export async function signedBytes(store: Store, hashes: readonly Hex[]): Promise<Hex[]> {
  if (hashes.length === 0) return [];
  const rows = await store.db
    .selectFrom("attempts")
    .select(["hash", "raw"])
    .where(sql<boolean>`hash = any(${[...hashes]})`)
    .execute();
  const raw = new Map(rows.map((row) => [row.hash, row.raw as Hex]));
  return hashes.flatMap((hash) => raw.get(hash) ?? []);
}

export async function transactionCall(store: Store, id: number): Promise<TransactionCall> {
  const row = await store.db
    .selectFrom("transactions")
    .select(["to_address", "data", "gas_limit"])
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  return { to: row.to_address as Hex, data: row.data as Hex, gasLimit: row.gas_limit };
}

/** The calldata of what waits to be mined there. */
export async function openCalls(store: Store, chainId: number, to: Hex): Promise<ReadonlySet<Hex>> {
  const rows = await store.db
    .selectFrom("transactions")
    .select("data")
    .where("chain_id", "=", chainId)
    .where("to_address", "=", to)
    .where("state", "=", "pending")
    .execute();
  return new Set(rows.map(({ data }) => data as Hex));
}

/**
 * Whether it can only revert: each of its requests is settled, or past the deadline after which nothing but a refund settles
 * it. A request that a reorg dropped may come again. One without requests is never worthless.
 *
 * @param time seconds, of the newest block
 */
export async function isWorthless(
  store: Store,
  { id, kind }: Pick<OpenTransaction, "id" | "kind">,
  time: number,
): Promise<boolean> {
  const { rows } = await sql<{ is_open: boolean }>`
    select not exists (
        select from settlements s where s.chain_id = i.chain_id and s.request_id = i.request_id)
      and (${kind === "refund"}::boolean or not exists (
        select from requests r
        where r.chain_id = i.chain_id and r.request_id = i.request_id and r.deadline < ${time}::bigint)) as is_open
    from transaction_items i where i.transaction_id = ${id}::bigint`.execute(store.db);
  return rows.length > 0 && rows.every(({ is_open }) => !is_open);
}

/** Whether a transaction to `to` waits to be mined. */
export async function hasOpenTransaction(store: Store, chainId: number, to: Hex): Promise<boolean> {
  const row = await store.db
    .selectFrom("transactions")
    .select("id")
    .where("chain_id", "=", chainId)
    .where("to_address", "=", to)
    .where("state", "=", "pending")
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
