import { sql } from "kysely";
import { AnswerStatus } from "../../protocol/answer.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { isBound } from "./phases.ts";
import { isRetryDue, NEVER } from "./retry-time.ts";
import type { Store } from "./store.ts";

export interface DueQuery {
  readonly chainId: number;
  /** Seconds: the time that the next block will have. */
  readonly time: number;
  readonly limit: number;
}

/** Answers that cannot be sent now are not counted towards `limit`: they would hold up those that can. */
export interface DueAnswerQuery extends DueQuery {
  /** Wei per gas: a request whose `gasPriceCap` is below it waits. */
  readonly baseFee: bigint;
}

export interface DueSingleQuery extends DueAnswerQuery {
  /** Whether gas of today is not too dear for what nobody repays. */
  readonly paysUnrepaid: boolean;
}

export interface DueAnswer {
  readonly requestId: Hex;
  /** JSON text of the `Request`. */
  readonly request: string;
  /** JSON text of the `Answer`. */
  readonly answer: string;
  readonly status: number;
  readonly signature: Hex;
  readonly output: Hex;
  readonly keysetId: Hex;
  /** Of the block that the answer is bound to. */
  readonly stateBlockNumber: number;
  /** Seconds: the block time from which the contract takes it. */
  readonly notBefore: number;
}

export interface DueRefund {
  readonly requestId: Hex;
  readonly request: string;
  /** Seconds: a block's time must be later. */
  readonly deadline: number;
}

/** Statuses for which a coordinator repays no gas (docs/reference/protocol.md, Answer). */
export const UNREPAID = [AnswerStatus.upstreamFailed, AnswerStatus.clockUnknown] as const;

/** Answers that nothing keeps from being sent, oldest request first. */
export async function dueAnswers(
  store: Store,
  { chainId, time, baseFee, paysUnrepaid, limit }: DueSingleQuery,
): Promise<DueAnswer[]> {
  const rows = await store.db
    .selectFrom("requests as r")
    .innerJoin("answers as a", (join) =>
      join.onRef("a.chain_id", "=", "r.chain_id").onRef("a.request_id", "=", "r.request_id"),
    )
    .select(["r.request_id", "r.request"])
    .select(["a.answer", "a.status", "a.signature", "a.output", "a.keyset_id", "a.not_before"])
    .select("a.state_block_number")
    .where("r.chain_id", "=", chainId)
    .where("r.phase", "=", "answered")
    .where("r.threshold", "=", 1)
    .where("r.released", "=", true)
    .where(isRetryDue("r.retry_at", time))
    .where("r.deadline", ">=", time)
    .where("r.gas_price_cap", ">=", baseFee.toString())
    .where("a.not_before", "<=", time)
    .where(isBound)
    .where(sql<boolean>`(${paysUnrepaid}::boolean or a.status <> all(${[...UNREPAID]}::bigint[]))`)
    .distinctOn(["r.block_number", "r.log_index"])
    .orderBy("r.block_number")
    .orderBy("r.log_index")
    .orderBy("a.status")
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    requestId: row.request_id as Hex,
    request: row.request,
    answer: row.answer,
    status: row.status,
    signature: row.signature as Hex,
    output: row.output as Hex,
    keysetId: row.keyset_id as Hex,
    stateBlockNumber: row.state_block_number,
    notBefore: row.not_before,
  }));
}

/** Those that were in a batch that failed or left them out: they go by themselves now. */
export async function readOnceBatched(
  store: Store,
  chainId: number,
  requestIds: readonly Hex[],
): Promise<ReadonlySet<Hex>> {
  const rows = await store.db
    .selectFrom("transaction_items as i")
    .innerJoin("transactions as t", "t.id", "i.transaction_id")
    .select("i.request_id")
    .where("i.chain_id", "=", chainId)
    .where(sql<boolean>`i.request_id = any(${[...requestIds]})`)
    .where("t.kind", "=", "fulfillBatch")
    .execute();
  return new Set(rows.map(({ request_id }) => request_id as Hex));
}

/** Requests that can only be refunded. */
export async function dueRefunds(store: Store, { chainId, time, limit }: DueQuery): Promise<DueRefund[]> {
  const rows = await store.db
    .selectFrom("requests")
    .select(["request_id", "request", "deadline"])
    .where("chain_id", "=", chainId)
    .where("phase", "in", ["asked", "answered", "refused"])
    .where("released", "=", true)
    .where("deadline", "<", time)
    .where(isRetryDue("retry_at", time))
    .orderBy("deadline")
    .limit(limit)
    .execute();
  return rows.map(({ request_id, request, deadline }) => ({
    requestId: request_id as Hex,
    request,
    deadline,
  }));
}

export interface Postponement {
  readonly chainId: number;
  readonly requestId: Hex;
  /** Seconds. */
  readonly time: number;
  readonly maxSeconds: number;
  readonly error: string;
}

/** The chain refused a settlement: the next attempt comes later, each time twice as much later. */
export async function postponeSettlement(store: Store, postponement: Postponement): Promise<void> {
  const { chainId, requestId, time, maxSeconds, error } = postponement;
  await store.db
    .updateTable("requests")
    .set({
      attempts: sql`attempts + 1`,
      retry_at: sql`${time}::bigint + least(${maxSeconds}::bigint, power(2, least(attempts, 20))::bigint)`,
      last_error: error,
    })
    .where("chain_id", "=", chainId)
    .where("request_id", "=", requestId)
    .execute();
}

/** What settles the request is left to others, until its phase changes (`refreshPhases`) or a person has it tried again. */
export async function leaveSettlement(
  store: Store,
  {
    chainId,
    requestIds,
    error,
  }: { readonly chainId: number; readonly requestIds: readonly Hex[]; readonly error: string },
): Promise<void> {
  await store.db
    .updateTable("requests")
    .set({ retry_at: NEVER, last_error: error })
    .where("chain_id", "=", chainId)
    .where("request_id", "in", requestIds)
    .execute();
}
