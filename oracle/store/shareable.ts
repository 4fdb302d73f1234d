import { sql } from "kysely";
import type { Hex } from "../../protocol/bytes.ts";
import { isBound } from "./phases.ts";
import type { Store } from "./store.ts";

/** An answer of this node to a request of several that is open. */
export interface ShareableAnswer {
  readonly requestId: Hex;
  /** JSON text of the `Answer`. */
  readonly answer: string;
  readonly output: Hex;
  readonly leafSignature: Hex;
  readonly stateBlockNumber: number;
  /** Seconds: the block time from which the contract takes it. */
  readonly notBefore: number;
  /** JSON text: keyset, evidence and endorsements. */
  readonly attestation: string;
}

export interface ShareableQuery {
  readonly chainId: number;
  /** Seconds. */
  readonly time: number;
  readonly limit: number;
}

export async function readShareable(
  store: Store,
  { chainId, time, limit }: ShareableQuery,
): Promise<ShareableAnswer[]> {
  const rows = await store.db
    .selectFrom("requests as r")
    .innerJoin("answers as a", (join) =>
      join.onRef("a.chain_id", "=", "r.chain_id").onRef("a.request_id", "=", "r.request_id"),
    )
    .innerJoin("receipts as p", (join) =>
      join
        .onRef("p.request_id", "=", "a.request_id")
        .onRef("p.chain_id", "=", "a.chain_id")
        .onRef("p.keyset_id", "=", "a.keyset_id"),
    )
    .innerJoin("attestations as t", "t.hash", "p.attestation_hash")
    .select(["a.request_id", "a.answer", "a.output", "a.state_block_number", "a.not_before"])
    .select(["t.attestation", sql<string>`a.leaf_signature`.as("leaf_signature")])
    .where("r.chain_id", "=", chainId)
    .where("r.phase", "in", ["asked", "answered", "sent"])
    .where("r.threshold", ">", 1)
    .where("r.deadline", ">=", time)
    .where("a.leaf_signature", "is not", null)
    .where(isBound)
    .orderBy("r.block_number")
    .orderBy("r.log_index")
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    requestId: row.request_id as Hex,
    answer: row.answer,
    output: row.output as Hex,
    leafSignature: row.leaf_signature as Hex,
    stateBlockNumber: row.state_block_number,
    notBefore: row.not_before,
    attestation: row.attestation,
  }));
}
