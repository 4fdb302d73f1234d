/** A transaction as it is committed before it is broadcast. */

import { sql } from "kysely";
import { refreshPhases } from "../phases.ts";
import type { StoreTransaction } from "../store.ts";
import type { NewTransaction, OpenTransaction, SignedAttempt } from "./transaction.ts";

/**
 * Commits nonces and signed bytes, so that a crash at any later point ends in the same transactions.
 *
 * @returns them as they are in flight from now on
 */
export async function insertTransactions(
  trx: StoreTransaction,
  transactions: readonly NewTransaction[],
  now: number,
): Promise<OpenTransaction[]> {
  const ids = await trx
    .insertInto("transactions")
    .values(
      transactions.map((transaction) => ({
        chain_id: transaction.chainId,
        signer: transaction.signer,
        nonce: transaction.nonce,
        kind: transaction.kind,
        to_address: transaction.to,
        data: transaction.data,
        gas_limit: transaction.gasLimit,
        fee_cap: transaction.feeCap.toString(),
        state: "pending" as const,
        block_number: null,
        block_hash: null,
        created_at: now,
        sent_at: now,
      })),
    )
    .returning(["id", "signer", "nonce"])
    .execute();
  const idOf = new Map(ids.map(({ id, signer, nonce }) => [`${signer}/${nonce}`, id]));
  const withId = transactions.map((transaction) => ({
    transaction,
    id: idOf.get(`${transaction.signer}/${transaction.nonce}`) ?? 0,
  }));
  await trx
    .insertInto("attempts")
    .values(withId.map(({ transaction, id }) => attemptRow(id, transaction, now)))
    .execute();
  const items = withId.flatMap(({ transaction, id }) =>
    transaction.requestIds.map((requestId) => ({
      transaction_id: id,
      chain_id: transaction.chainId,
      request_id: requestId,
      live: true,
    })),
  );
  if (items.length > 0) await trx.insertInto("transaction_items").values(items).execute();
  for (const [chainId, group] of Map.groupBy(items, ({ chain_id }) => chain_id)) {
    await refreshPhases(
      trx,
      chainId,
      group.map(({ request_id }) => request_id),
    );
  }
  return withId.map(({ transaction, id }) => {
    const { signer, nonce, kind, gasLimit, feeCap, hash, maxFee, priorityFee } = transaction;
    const attempts = [{ hash, maxFee, priorityFee }];
    return { id, signer, nonce, kind, gasLimit, feeCap, sentAt: now, attempts };
  });
}

/** They were broadcast again: they are given as long as before. */
export async function markSent(trx: StoreTransaction, ids: readonly number[], now: number): Promise<void> {
  await trx
    .updateTable("transactions")
    .set({ sent_at: now })
    .where(sql<boolean>`id = any(${[...ids]}::bigint[])`)
    .execute();
}

/** Adds a replacement under the same nonce. */
export async function insertAttempt(
  trx: StoreTransaction,
  transactionId: number,
  attempt: SignedAttempt,
  now: number,
): Promise<void> {
  await trx
    .insertInto("attempts")
    .values(attemptRow(transactionId, attempt, now))
    .execute();
  await trx.updateTable("transactions").set({ sent_at: now }).where("id", "=", transactionId).execute();
}

function attemptRow(
  transactionId: number,
  attempt: SignedAttempt,
  now: number,
): {
  hash: string;
  transaction_id: number;
  raw: string;
  max_fee: string;
  priority_fee: string;
  created_at: number;
} {
  return {
    hash: attempt.hash,
    transaction_id: transactionId,
    raw: attempt.raw,
    max_fee: attempt.maxFee.toString(),
    priority_fee: attempt.priorityFee.toString(),
    created_at: now,
  };
}
