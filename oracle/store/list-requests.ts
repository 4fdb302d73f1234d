import { type Expression, sql, type SqlBool } from "kysely";
import { toHex, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { comesAfter, type Place } from "./page.ts";
import type { RequestPhase } from "./schema.ts";
import type { ReadableStore } from "./store.ts";

export interface RequestSummary extends Place {
  readonly requestId: Hex;
  readonly phase: RequestPhase;
  readonly consumer: Hex;
  readonly deadline: number;
  readonly fee: string;
  /** Seconds, of the request's block. */
  readonly blockTime: number;
  /** Why it is not further, in words or by an error's code; `null` where nothing is wrong, and once it is settled. */
  readonly reason: string | null;
  /** As `reason`: the name of earlier versions. */
  readonly lastError: string | null;
  readonly settlement: {
    readonly kind: "fulfilled" | "refunded" | "cancelled";
    /** Whose answer was taken: this node's or another's; `null` unless fulfilled. */
    readonly keysetId: Hex | null;
    readonly tx: Hex;
  } | null;
}

const UNSERVED = "no enclave of this node is admitted under its policy";

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
  /** A part of its name, where the question is public. */
  readonly model?: string | undefined;
  /** Seconds: asked in a block of then, or later. */
  readonly since?: number | undefined;
  readonly before?: Place | undefined;
  readonly limit: number;
}

/**
 * Requests, newest first. Of each chain by itself, in the order of its index: all at once would be sorted anew, and whole,
 * for every page.
 */
export async function listRequests(store: ReadableStore, filter: RequestFilter): Promise<RequestSummary[]> {
  const chains = filter.chainId === undefined ? await readChainIds(store) : [filter.chainId];
  const pages = await Promise.all(chains.map((chainId) => listOfChain(store, { ...filter, chainId })));
  return pages.flat().sort(newestFirst).slice(0, filter.limit);
}

/** By steps through the primary key: `distinct` would read every row. */
async function readChainIds(store: ReadableStore): Promise<number[]> {
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
  store: ReadableStore,
  filter: RequestFilter & { readonly chainId: number },
): Promise<RequestSummary[]> {
  const { chainId, phase, consumer, keysetId, status, settlement, callback, before, limit } = filter;
  const { model, since } = filter;
  const rows = await store.db
    .selectFrom("requests as r")
    .leftJoin("settlements as done", (join) =>
      join.onRef("done.chain_id", "=", "r.chain_id").onRef("done.request_id", "=", "r.request_id"),
    )
    .leftJoin("refusals as f", (join) =>
      join.onRef("f.chain_id", "=", "r.chain_id").onRef("f.request_id", "=", "r.request_id"),
    )
    .select(["r.request_id", "r.chain_id", "phase", "consumer", "r.block_number", "r.log_index"])
    .select(["deadline", "fee", "last_error", "block_time", "parked", "f.code as refusal"])
    .select(["done.kind as settled", "done.keyset_id as settled_by", "done.tx_hash as settled_in"])
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
        where("r.chain_id", "=", chainId),
        ...given(phase, (wanted) => where("phase", "=", wanted)),
        ...given(consumer, (wanted) => where("consumer", "=", wanted)),
        // A payload is kept as hex, and a prompt holds the names of its models as they are.
        ...given(model, (wanted) => where("payload", "like", `%${toHex(toUtf8(wanted)).slice(2)}%`)),
        ...given(since, (wanted) => where("block_time", ">=", wanted)),
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
        // This bounds the index: the place compares its columns in another order.
        ...given(before, ({ blockNumber }) => where("r.block_number", "<=", blockNumber)),
        ...given(before, (place) => comesAfter(place, "r")),
      ]);
    })
    .orderBy("r.block_number", "desc")
    .orderBy("r.log_index", "desc")
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
    blockTime: row.block_time,
    reason: reasonOf(row),
    lastError: reasonOf(row),
    settlement:
      row.settled === null
        ? null
        : {
            kind: row.settled,
            keysetId: row.settled === "fulfilled" ? (row.settled_by as Hex) : null,
            tx: row.settled_in as Hex,
          },
  }));
}

/** A refused answer does not matter any more once another settled the request. */
function reasonOf(row: {
  readonly settled: string | null;
  readonly refusal: string | null;
  readonly last_error: string | null;
  readonly parked: boolean;
}): string | null {
  if (row.settled !== null) return null;
  return row.refusal ?? row.last_error ?? (row.parked ? UNSERVED : null);
}

/** The condition of a filter, where the filter was given. */
function given<Wanted>(
  wanted: Wanted | undefined,
  condition: (wanted: Wanted) => Expression<SqlBool>,
): readonly Expression<SqlBool>[] {
  return wanted === undefined ? [] : [condition(wanted)];
}
