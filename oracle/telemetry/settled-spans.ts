import type { Hex } from "../../protocol/bytes.ts";
import type { Store } from "../store/store.ts";
import type { RequestSpan } from "./request-span.ts";

/** Requests from before the node was there, read while it catches up, took nobody's time. */
const OLDEST_SECONDS = 86_400;

/**
 * The spans of requests that were just read as settled: the request as a whole, and the transaction of this node's that
 * settled it, if it was one.
 */
export async function settledSpans(
  store: Store,
  chainId: number,
  requestIds: readonly Hex[],
  nowMs: number,
): Promise<RequestSpan[]> {
  if (requestIds.length === 0) return [];
  const rows = await store.db
    .selectFrom("settlements as s")
    .innerJoin("requests as r", (join) =>
      join.onRef("r.chain_id", "=", "s.chain_id").onRef("r.request_id", "=", "s.request_id"),
    )
    .leftJoin("attempts as a", "a.hash", "s.tx_hash")
    .leftJoin("transactions as t", "t.id", "a.transaction_id")
    .select([
      "s.request_id",
      "s.kind",
      "s.status",
      "s.tx_hash",
      "s.block_number",
      "r.seen_at",
      "r.block_time",
    ])
    .select(["r.consumer", "t.created_at", "t.signer", "t.nonce", "t.kind as transaction_kind"])
    .where("s.chain_id", "=", chainId)
    .where((of) => of("s.request_id", "=", of.fn.any(of.val([...requestIds]))))
    .execute();
  return rows
    .filter(({ block_time }) => block_time >= nowMs / 1_000 - OLDEST_SECONDS)
    .flatMap((row) => {
      const common = { requestId: row.request_id as Hex, chainId, endMs: nowMs, outcome: row.kind };
      const settlement = { "adyton.transaction": row.tx_hash, "adyton.block": row.block_number };
      const whole: RequestSpan = {
        ...common,
        name: "request",
        startMs: row.seen_at,
        attributes: { ...settlement, "adyton.consumer": row.consumer, "adyton.status": row.status },
      };
      if (row.created_at === null || row.signer === null || row.nonce === null) return [whole];
      const transaction: RequestSpan = {
        ...common,
        name: "transaction",
        startMs: row.created_at,
        outcome: row.transaction_kind ?? "other",
        attributes: { ...settlement, "adyton.signer": row.signer, "adyton.nonce": row.nonce },
      };
      return [whole, transaction];
    });
}
