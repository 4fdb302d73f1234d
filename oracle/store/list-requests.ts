import type { Expression, SqlBool } from "kysely";
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
  const rows = await store.db
    .selectFrom("requests as r")
    .select(["request_id", "chain_id", "phase", "consumer", "block_number", "log_index"])
    .select(["deadline", "fee", "last_error"])
    .where((where) => {
      const answers = where
        .selectFrom("answers as a")
        .select("a.request_id")
        .whereRef("a.chain_id", "=", "r.chain_id")
        .whereRef("a.request_id", "=", "r.request_id");
      const settlements = where
        .selectFrom("settlements as s")
        .select("s.request_id")
        .whereRef("s.chain_id", "=", "r.chain_id")
        .whereRef("s.request_id", "=", "r.request_id");
      return where.and([
        ...given(chainId, (wanted) => where("chain_id", "=", wanted)),
        ...given(phase, (wanted) => where("phase", "=", wanted)),
        ...given(consumer, (wanted) => where("consumer", "=", wanted)),
        ...given(keysetId, (wanted) =>
          where.or([
            where.exists(answers.where("a.keyset_id", "=", wanted)),
            where.exists(settlements.where("s.keyset_id", "=", wanted)),
          ]),
        ),
        ...given(status, (wanted) => where.exists(answers.where("a.status", "=", wanted))),
        ...given(settlement, (wanted) => where.exists(settlements.where("s.kind", "=", wanted))),
        ...given(before, comesAfter),
      ]);
    })
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

/** The condition of a filter, where the filter was given. */
function given<Wanted>(
  wanted: Wanted | undefined,
  condition: (wanted: Wanted) => Expression<SqlBool>,
): readonly Expression<SqlBool>[] {
  return wanted === undefined ? [] : [condition(wanted)];
}
