import { sql } from "kysely";
import type { Hex } from "../../protocol/bytes.ts";
import type { Store } from "./store.ts";

/** A keyset that can serve under a policy now, as far as the chain's events tell. */
export interface AdmittedKeyset {
  readonly keysetId: Hex;
  /** Identity of the machine. */
  readonly platform: Hex;
  /** The block of its first admission: a renewal does not make it younger. */
  readonly since: number;
  /** Seconds: the end of its last admission. */
  readonly expiresAt: number;
}

export interface AdmissionQuery {
  readonly chainId: number;
  readonly policyId: Hex;
  /** Seconds: admissions that have expired by then are left out. */
  readonly time: number;
}

/**
 * Keysets admitted under a policy that have neither expired nor been deleted, nor been proven to equivocate. A policy that was
 * narrowed is not seen here: who needs certainty asks the registry.
 */
export async function readAdmittedKeysets(
  store: Store,
  { chainId, policyId, time }: AdmissionQuery,
): Promise<AdmittedKeyset[]> {
  const rows = await store.db
    .selectFrom("admissions as a")
    .select(({ fn }) => [
      "a.keyset_id",
      fn.max<string>("a.platform").as("platform"),
      fn.min<number>("a.block_number").as("since"),
      fn.max<number>("a.expires_at").as("expires_at"),
    ])
    .where("a.chain_id", "=", chainId)
    .where("a.policy_id", "=", policyId)
    .where("a.event", "=", "admitted")
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom("admissions as r")
            .select("r.keyset_id")
            .whereRef("r.chain_id", "=", "a.chain_id")
            .whereRef("r.keyset_id", "=", "a.keyset_id")
            .where("r.event", "=", "revoked"),
        ),
      ),
    )
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom("admissions as d")
            .select("d.seat")
            .whereRef("d.chain_id", "=", "a.chain_id")
            .whereRef("d.seat", "=", "a.seat")
            .where("d.event", "=", "deleted")
            .where(sql<boolean>`(d.block_number, d.log_index) > (a.block_number, a.log_index)`),
        ),
      ),
    )
    .groupBy("a.keyset_id")
    .having(({ fn }) => fn.max("a.expires_at"), ">=", time)
    .orderBy("a.keyset_id")
    .execute();
  return rows.map((row) => ({
    keysetId: row.keyset_id as Hex,
    platform: row.platform as Hex,
    since: row.since,
    expiresAt: row.expires_at,
  }));
}
