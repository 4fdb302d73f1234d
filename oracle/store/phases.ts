import { sql } from "kysely";
import { inParts } from "./parts.ts";
import type { RequestPhase } from "./schema.ts";
import { NEVER } from "./retry-time.ts";
import type { StoreTransaction } from "./store.ts";

/**
 * Of an answer `a` to a request `r`: its block is not older than the request's, and still that of its number as far as was
 * read. No contract takes another, and the enclave that gave it gives no second one.
 */
export const isBound = sql<boolean>`a.state_block_number >= r.block_number and not exists (
  select from blocks b where b.chain_id = a.chain_id and b.number = a.state_block_number and b.hash <> a.state_block_hash)`;

/**
 * Sets the phase of requests from what the other tables say of them. Every change of a request's answers, transactions,
 * refusal or settlement ends with this, in the same transaction; so a phase is never more than a cached conclusion. A row
 * whose phase stays is not written: it would be copied whole, with its request.
 */
export async function refreshPhases(
  trx: StoreTransaction,
  chainId: number,
  requestIds: readonly string[],
): Promise<void> {
  // In one order, so that two nodes never wait for each other.
  for (const part of inParts(requestIds.toSorted())) await refreshSome(trx, chainId, part);
}

async function refreshSome(trx: StoreTransaction, chainId: number, ids: readonly string[]): Promise<void> {
  // Locked by a statement of its own: the next one then sees what another node wrote while this one waited for the rows.
  await sql`
    select from requests where chain_id = ${chainId} and request_id = any(${ids}) order by request_id for update`.execute(
    trx,
  );
  const { rows } = await sql<{ request_id: string; phase: RequestPhase }>`
    with now as materialized (
      select r.request_id, r.phase as before, case
        when exists (select 1 from settlements s where s.chain_id = r.chain_id and s.request_id = r.request_id) then 'settled'
        when exists (select 1 from transaction_items i
                     where i.chain_id = r.chain_id and i.request_id = r.request_id and i.live) then 'sent'
        when r.threshold <= (select count(*) from answers a
                             where a.chain_id = r.chain_id and a.request_id = r.request_id and ${isBound})
          then 'answered'
        when exists (select 1 from refusals f where f.chain_id = r.chain_id and f.request_id = r.request_id) then 'refused'
        when r.released then 'asked'
        else 'seen' end as phase
      from requests r where r.chain_id = ${chainId} and r.request_id = any(${ids}))
    select request_id, phase from now where phase <> before`.execute(trx);
  // Written by the ids alone: joined with what was found, each row of the chain would be compared with each of them wherever
  // the store has no statistics of its tables.
  for (const [phase, changed] of Map.groupBy(rows, (row) => row.phase)) {
    const changedIds = changed.map(({ request_id }) => request_id);
    await sql`
      update requests set phase = ${phase}, retry_at = case retry_at when ${NEVER}::bigint then 0 else retry_at end
      where chain_id = ${chainId} and request_id = any(${changedIds})`.execute(trx);
  }
}

/** Those of them for which this node did something already: a reorg dropped them, and they are read again. */
export async function readWorkedOn(
  trx: StoreTransaction,
  chainId: number,
  requestIds: readonly string[],
): Promise<string[]> {
  const ids = [...requestIds];
  const { rows } = await sql<{ request_id: string }>`
    select request_id from answers where chain_id = ${chainId} and request_id = any(${ids})
    union select request_id from refusals where chain_id = ${chainId} and request_id = any(${ids})
    union select request_id from transaction_items where chain_id = ${chainId} and request_id = any(${ids})`.execute(
    trx,
  );
  return rows.map(({ request_id }) => request_id);
}

/** Requests with answers that are bound to blocks of these numbers: which of them count depends on the blocks' hashes. */
export async function readBoundTo(
  trx: StoreTransaction,
  chainId: number,
  numbers: readonly number[],
): Promise<string[]> {
  const { rows } = await sql<{ request_id: string }>`
    select distinct request_id from answers
    where chain_id = ${chainId} and state_block_number = any(${[...numbers]}::bigint[])`.execute(trx);
  return rows.map(({ request_id }) => request_id);
}
