import type { Hex } from "../../protocol/bytes.ts";
import { comesAfter } from "./page.ts";
import type { Place } from "./page.ts";
import type { RequestPhase } from "./schema.ts";
import type { Store } from "./store.ts";

export interface RequestSummary extends Place {
  readonly requestId: Hex;
  readonly phase: RequestPhase;
  readonly consumer: Hex;
  readonly deadline: number;
  readonly fee: string;
  readonly lastError: string | null;
}

export interface RequestFilter {
  readonly chainId?: number | undefined;
  readonly phase?: RequestPhase | undefined;
  readonly consumer?: string | undefined;
  /** Answered here or settled on chain by this keyset. */
  readonly keysetId?: string | undefined;
  /** Answered here with this status. */
  readonly status?: number | undefined;
  readonly settlement?: "fulfilled" | "refunded" | "cancelled" | undefined;
  readonly before?: Place | undefined;
  readonly limit: number;
}

/** Requests, newest first. */
export async function listRequests(store: Store, filter: RequestFilter): Promise<RequestSummary[]> {
  const { chainId, phase, consumer, keysetId, status, settlement, before, limit } = filter;
  let query = store.db
    .selectFrom("requests as r")
    .select(["request_id", "chain_id", "phase", "consumer", "block_number", "log_index"])
    .select(["deadline", "fee", "last_error"]);
  if (chainId !== undefined) query = query.where("chain_id", "=", chainId);
  if (phase !== undefined) query = query.where("phase", "=", phase);
  if (consumer !== undefined) query = query.where("consumer", "=", consumer);
  if (before !== undefined) query = query.where(comesAfter(before));
  if (keysetId !== undefined) {
    query = query.where((where) =>
      where.or([
        where.exists(
          where
            .selectFrom("answers as a")
            .select("a.request_id")
            .whereRef("a.chain_id", "=", "r.chain_id")
            .whereRef("a.request_id", "=", "r.request_id")
            .where("a.keyset_id", "=", keysetId),
        ),
        where.exists(
          where
            .selectFrom("settlements as s")
            .select("s.request_id")
            .whereRef("s.chain_id", "=", "r.chain_id")
            .whereRef("s.request_id", "=", "r.request_id")
            .where("s.keyset_id", "=", keysetId),
        ),
      ]),
    );
  }
  if (status !== undefined) {
    query = query.where((where) =>
      where.exists(
        where
          .selectFrom("answers as a")
          .select("a.request_id")
          .whereRef("a.chain_id", "=", "r.chain_id")
          .whereRef("a.request_id", "=", "r.request_id")
          .where("a.status", "=", status),
      ),
    );
  }
  if (settlement !== undefined) {
    query = query.where((where) =>
      where.exists(
        where
          .selectFrom("settlements as s")
          .select("s.request_id")
          .whereRef("s.chain_id", "=", "r.chain_id")
          .whereRef("s.request_id", "=", "r.request_id")
          .where("s.kind", "=", settlement),
      ),
    );
  }
  const rows = await query
    .orderBy("block_number", "desc")
    .orderBy("log_index", "desc")
    .orderBy("chain_id", "desc")
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    requestId: row.request_id as Hex,
    chainId: row.chain_id,
    phase: row.phase,
    consumer: row.consumer as Hex,
    blockNumber: row.block_number,
    logIndex: row.log_index,
    deadline: row.deadline,
    fee: row.fee,
    lastError: row.last_error,
  }));
}
