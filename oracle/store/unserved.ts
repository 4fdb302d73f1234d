/**
 * Requests that no enclave here can answer now. They have no job: a job would be looked at, put back and looked at again
 * until the deadline, which may be 30 days away, and whoever pays for requests would decide how much of that a node does.
 */

import { sql } from "kysely";
import type { Hex } from "../../protocol/bytes.ts";
import type { StoreTransaction } from "./store.ts";

/**
 * Requests that have their confirmations become this node's: of the policies of its configuration, and no others.
 *
 * @returns those that need a job; the others are parked
 */
export async function releaseRequests(
  trx: StoreTransaction,
  { chainId, settledNumber, configured, live, now }: ReleaseTerms,
): Promise<Hex[]> {
  const rows = await trx
    .updateTable("requests")
    // What `refreshPhases` would say, without copying the row once more.
    .set((of) => ({
      released: true,
      released_at: now,
      parked: sql<boolean>`policy_id <> all(${[...live]})`,
      phase: of
        .case("phase")
        .when("seen")
        .then("asked" as const)
        .else(of.ref("phase"))
        .end(),
    }))
    .where("chain_id", "=", chainId)
    .where("released", "=", false)
    .where("phase", "<>", "settled")
    .where(sql<boolean>`policy_id = any(${[...configured]})`)
    .where("block_number", "<=", settledNumber)
    .returning(["request_id", "parked"])
    .execute();
  return rows.filter(({ parked }) => !parked).map(({ request_id }) => request_id as Hex);
}

export interface ReleaseTerms {
  readonly chainId: number;
  /** The newest block whose requests have their confirmations. */
  readonly settledNumber: number;
  readonly configured: readonly Hex[];
  /** Those of them under which an enclave is admitted. */
  readonly live: readonly Hex[];
  /** Milliseconds. */
  readonly now: number;
}

/** The job of this request has ended since nobody here serves its policy now. */
export async function parkRequests(
  trx: StoreTransaction,
  chainId: number,
  requestIds: readonly Hex[],
): Promise<void> {
  await sql`
    update requests set parked = true
    where chain_id = ${chainId} and request_id = any(${[...requestIds]}) and phase = 'asked'`.execute(trx);
}

/**
 * Takes up requests whose policy is served again, oldest first.
 *
 * @returns those that need a job now, `limit` at most
 */
export async function unparkRequests(
  trx: StoreTransaction,
  { chainId, policies, limit, now }: UnparkTerms,
): Promise<Hex[]> {
  const { rows } = await sql<{ request_id: Hex }>`
    update requests r set parked = false, released_at = ${now}
    from (
      select request_id from requests
      where chain_id = ${chainId} and parked and policy_id = any(${[...policies]})
      order by block_number limit ${limit} for update skip locked) as ready
    where r.chain_id = ${chainId} and r.request_id = ready.request_id and r.parked
    returning r.request_id, r.phase`.execute(trx);
  return rows.map(({ request_id }) => request_id);
}

export interface UnparkTerms {
  readonly chainId: number;
  readonly policies: readonly Hex[];
  readonly limit: number;
  /** Milliseconds. */
  readonly now: number;
}
