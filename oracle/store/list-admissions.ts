import type { Hex } from "../../protocol/bytes.ts";
import { comesAfter, type Place } from "./page.ts";
import type { ReadableStore } from "./store.ts";

/** An event of the registry: a keyset was admitted under a policy, its admission deleted, or the keyset revoked. */
export interface Admission extends Place {
  readonly event: "admitted" | "deleted" | "revoked";
  /** Zero for a deletion: its seat is that of the admission that ended. */
  readonly keysetId: Hex;
  readonly policyId: Hex;
  readonly seat: Hex;
  /** Seconds; 0 unless admitted. */
  readonly expiresAt: number;
  /** Identity of the machine. */
  readonly platform: Hex;
  readonly tx: Hex;
}

export interface AdmissionFilter {
  readonly chainId?: number | undefined;
  readonly keysetId?: string | undefined;
  readonly policyId?: string | undefined;
  readonly before?: Place | undefined;
  readonly limit: number;
}

/** Admissions, newest first. */
export async function listAdmissions(store: ReadableStore, filter: AdmissionFilter): Promise<Admission[]> {
  const { chainId, keysetId, policyId, before, limit } = filter;
  let query = store.db.selectFrom("admissions").selectAll();
  if (chainId !== undefined) query = query.where("chain_id", "=", chainId);
  if (keysetId !== undefined) query = query.where("keyset_id", "=", keysetId);
  if (policyId !== undefined) query = query.where("policy_id", "=", policyId);
  if (before !== undefined) query = query.where(comesAfter(before));
  const rows = await query
    .orderBy("block_number", "desc")
    .orderBy("log_index", "desc")
    .orderBy("chain_id", "desc")
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    chainId: row.chain_id,
    blockNumber: row.block_number,
    logIndex: row.log_index,
    event: row.event,
    keysetId: row.keyset_id as Hex,
    policyId: row.policy_id as Hex,
    seat: row.seat as Hex,
    expiresAt: row.expires_at,
    platform: row.platform as Hex,
    tx: row.tx_hash as Hex,
  }));
}
