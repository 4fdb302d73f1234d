import { sql } from "kysely";
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
  /** Only those whose callback failed and was not made again. */
  readonly callback?: "failed" | undefined;
  readonly before?: Place | undefined;
  readonly limit: number;
}

/**
 * Requests, newest first. Of each chain by itself, in the order of its index: all at once would be sorted anew, and whole,
 * for every page.
 */
export async function listRequests(store: Store, filter: RequestFilter): Promise<RequestSummary[]> {
  const chains = filter.chainId === undefined ? await readChainIds(store) : [filter.chainId];
  const pages = await Promise.all(chains.map((chainId) => listOfChain(store, { ...filter, chainId })));
  return pages.flat().sort(newestFirst).slice(0, filter.limit);
}

/** By steps through the primary key: `distinct` would read every row. */
async function readChainIds(store: Store): Promise<number[]> {
  const { rows } = await sql<{ chain_id: number }>`
    with recursive chains as (
      (select chain_id from requests order by chain_id limit 1)
      union all
      select (select chain_id from requests where chain_id > chains.chain_id order by chain_id limit 1)
      from chains where chains.chain_id is not null)
    select chain_id from chains where chain_id is not null`.execute(store.db);
  return rows.map(({ chain_id }) => chain_id);
}

function newestFirst(a: Place, b: Place): number {
  return b.blockNumber - a.blockNumber || b.logIndex - a.logIndex || b.chainId - a.chainId;
}

async function listOfChain(
  store: Store,
  filter: RequestFilter & { readonly chainId: number },
): Promise<RequestSummary[]> {
  const { chainId, phase, consumer, keysetId, status, settlement, callback, before, limit } = filter;
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
        where("chain_id", "=", chainId),
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
        ...given(callback, () =>
          where.and([
            where.exists(settlements.where("s.callback_succeeded", "=", false)),
            where.not(
              where.exists(
                where
                  .selectFrom("deliveries as d")
                  .select("d.request_id")
                  .whereRef("d.chain_id", "=", "r.chain_id")
                  .whereRef("d.request_id", "=", "r.request_id"),
              ),
            ),
          ]),
        ),
        // What bounds the index: the place compares its columns in another order.
        ...given(before, ({ blockNumber }) => where("block_number", "<=", blockNumber)),
        ...given(before, comesAfter),
      ]);
    })
    .orderBy("block_number", "desc")
    .orderBy("log_index", "desc")
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
