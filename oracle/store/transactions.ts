import { sql } from "kysely";
import type { Hex } from "../../protocol/bytes.ts";
import { readBlocks } from "./blocks.ts";
import { refreshPhases } from "./phases.ts";
import type { StoreSchema, TransactionState } from "./schema.ts";
import type { Store, StoreTransaction } from "./store.ts";

type TransactionKind = StoreSchema["transactions"]["kind"];

/** What was signed: bytes ready to broadcast. */
export interface SignedAttempt {
  readonly hash: Hex;
  readonly raw: Hex;
  readonly maxFee: bigint;
  readonly priorityFee: bigint;
}

export interface NewTransaction extends SignedAttempt {
  readonly chainId: number;
  readonly signer: Hex;
  readonly nonce: number;
  readonly kind: TransactionKind;
  readonly to: Hex;
  readonly data: Hex;
  readonly gasLimit: number;
  /** Wei per gas. */
  readonly feeCap: bigint;
  readonly requestIds: readonly Hex[];
}

/** What was offered under one hash; the bytes stay in the store. */
export type OpenAttempt = Omit<SignedAttempt, "raw">;

export interface OpenTransaction {
  readonly id: number;
  readonly signer: Hex;
  readonly nonce: number;
  readonly kind: TransactionKind;
  readonly gasLimit: number;
  /** Wei per gas that what it does is worth; `undefined` where that is not known. */
  readonly feeCap: bigint | undefined;
  /** Milliseconds. */
  readonly sentAt: number;
  /** Oldest first; at least one. */
  readonly attempts: readonly OpenAttempt[];
}

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
  if (items.length > 0) {
    await trx.insertInto("transaction_items").values(items).execute();
  }
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
  if (hashes.length === 0) {
    return [];
  }
  const rows = await store.db
    .selectFrom("attempts")
    .select(["hash", "raw"])
    .where(sql<boolean>`hash = any(${[...hashes]})`)
    .execute();
  const raw = new Map(rows.map((row) => [row.hash, row.raw as Hex]));
  return hashes.flatMap((hash) => raw.get(hash) ?? []);
}

/** What a replacement must do as well. */
export interface TransactionCall {
  readonly to: Hex;
  readonly data: Hex;
  readonly gasLimit: number;
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

/** One above the highest nonce that this store ever committed for the key; 0 for none. */
export async function nextStoredNonce(store: Store, chainId: number, signer: Hex): Promise<number> {
  const row = await store.db
    .selectFrom("transactions")
    .select(({ fn }) => fn.max("nonce").as("nonce"))
    .where("chain_id", "=", chainId)
    .where("signer", "=", signer)
    .where("state", "<>", "lost")
    .executeTakeFirst();
  const nonce = row?.nonce as number | null | undefined;
  return nonce === null || nonce === undefined ? 0 : nonce + 1;
}

export interface NonceRange {
  readonly from: number;
  /** Exclusive. */
  readonly below: number;
  readonly limit: number;
}

/** The lowest nonces of the key, at most `limit`, under which this store has sent nothing. */
export async function unknownNonces(
  store: Store,
  chainId: number,
  signer: Hex,
  { from, below, limit }: NonceRange,
): Promise<number[]> {
  const { rows } = await sql<{ nonce: number }>`
    select n as nonce from generate_series(${from}::bigint, ${below}::bigint - 1) n
    where not exists (select from transactions t
      where t.chain_id = ${chainId} and t.signer = ${signer} and t.nonce = n and t.state <> 'lost')
    order by n limit ${limit}`.execute(store.db);
  return rows.map(({ nonce }) => nonce);
}

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
  if (outcomes.length === 0) {
    return [];
  }
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
 * Closes mined transactions that have their confirmations. What one of them should have settled and did not (an item of
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
  const ids = reopened.map(({ id }) => id);
  if (ids.length === 0) {
    return;
  }
  // Of several that were to settle the same request, the newest: it was made because the others had not.
  const { rows: live } = await sql<{ request_id: string }>`
    with free as (
      select distinct on (i.request_id) i.transaction_id, i.request_id from transaction_items i
      where i.transaction_id = any(${ids}::bigint[]) and not exists (
        select from transaction_items other
        where other.chain_id = i.chain_id and other.request_id = i.request_id and other.live)
      order by i.request_id, i.transaction_id desc)
    update transaction_items i set live = true from free
    where i.transaction_id = free.transaction_id and i.request_id = free.request_id
    returning i.request_id`.execute(trx);
  await refreshPhases(
    trx,
    chainId,
    live.map(({ request_id }) => request_id),
  );
}

async function freeItems(
  trx: StoreTransaction,
  chainId: number,
  transactionIds: readonly number[],
): Promise<void> {
  if (transactionIds.length === 0) {
    return;
  }
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
    // What is settled stays so.
    freed.filter(({ is_settled }) => !is_settled).map(({ request_id }) => request_id),
  );
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
