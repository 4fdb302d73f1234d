import type { Hex } from "../../protocol/bytes.ts";
import type { Admission } from "./list-admissions.ts";
import { listAdmissions } from "./list-admissions.ts";
import type { RequestPhase } from "./schema.ts";
import type { Store } from "./store.ts";

/** A request with everything that is known of its fate: chain and off-chain joined. */
export interface RequestView {
  readonly requestId: Hex;
  readonly chainId: number;
  readonly phase: RequestPhase;
  readonly consumer: Hex;
  readonly request: unknown;
  readonly payload: Hex;
  readonly payloadUri: string;
  readonly blockNumber: number;
  readonly blockTime: number;
  readonly requestTx: Hex;
  readonly refusal: string | null;
  readonly lastError: string | null;
  readonly answer: {
    readonly status: number;
    readonly keysetId: Hex;
    readonly answer: unknown;
    readonly output: Hex;
    /** The newest admission of that keyset under the request's policy. */
    readonly admission: Admission | null;
  } | null;
  readonly settlement: {
    readonly kind: "fulfilled" | "refunded" | "cancelled";
    readonly status: number;
    readonly keysetId: Hex;
    readonly callbackSucceeded: boolean | null;
    readonly tx: Hex;
    readonly blockNumber: number;
  } | null;
  /** Hashes of the transactions that this node sent for it, oldest first. */
  readonly transactions: readonly Hex[];
}

/** The request of this id on every chain that has it (one, but for a hash collision). */
export async function findRequest(store: Store, requestId: Hex): Promise<RequestView | undefined> {
  const row = await store.db
    .selectFrom("requests")
    .selectAll()
    .where("request_id", "=", requestId)
    .executeTakeFirst();
  if (row === undefined) {
    return undefined;
  }
  const key = { chain_id: row.chain_id, request_id: requestId };
  const [answer, settlement, refusal, attempts] = await Promise.all([
    store.db
      .selectFrom("answers")
      .selectAll()
      .where("chain_id", "=", key.chain_id)
      .where("request_id", "=", requestId)
      .orderBy("recorded_at")
      .executeTakeFirst(),
    store.db
      .selectFrom("settlements")
      .selectAll()
      .where("chain_id", "=", key.chain_id)
      .where("request_id", "=", requestId)
      .executeTakeFirst(),
    store.db
      .selectFrom("refusals")
      .select("code")
      .where("chain_id", "=", key.chain_id)
      .where("request_id", "=", requestId)
      .executeTakeFirst(),
    store.db
      .selectFrom("transaction_items")
      .innerJoin("attempts", "attempts.transaction_id", "transaction_items.transaction_id")
      .select("attempts.hash")
      .where("chain_id", "=", key.chain_id)
      .where("request_id", "=", requestId)
      .orderBy("attempts.created_at")
      .execute(),
  ]);
  const { policyId } = JSON.parse(row.request) as { policyId?: string };
  const admissions =
    answer === undefined
      ? []
      : await listAdmissions(store, {
          chainId: row.chain_id,
          keysetId: answer.keyset_id,
          policyId,
          limit: 1,
        });
  return {
    requestId,
    chainId: row.chain_id,
    phase: row.phase,
    consumer: row.consumer as Hex,
    request: JSON.parse(row.request),
    payload: row.payload as Hex,
    payloadUri: row.payload_uri,
    blockNumber: row.block_number,
    blockTime: row.block_time,
    requestTx: row.tx_hash as Hex,
    refusal: refusal?.code ?? null,
    lastError: row.last_error,
    answer:
      answer === undefined
        ? null
        : {
            status: answer.status,
            keysetId: answer.keyset_id as Hex,
            answer: JSON.parse(answer.answer),
            output: answer.output as Hex,
            admission: admissions[0] ?? null,
          },
    settlement:
      settlement === undefined
        ? null
        : {
            kind: settlement.kind,
            status: settlement.status,
            keysetId: settlement.keyset_id as Hex,
            callbackSucceeded: settlement.callback_succeeded,
            tx: settlement.tx_hash as Hex,
            blockNumber: settlement.block_number,
          },
    transactions: attempts.map(({ hash }) => hash as Hex),
  };
}

/** An answer as a contract takes it: what a user of pull delivery passes on, each part under the contract's own name. */
export interface PullAnswer {
  readonly request: unknown;
  readonly answer: unknown;
  readonly output: Hex;
  readonly signature: Hex;
}

/** Of a request that the chain still has: an answer to one that a reorg dropped fits nothing. */
export async function findAnswer(store: Store, requestId: Hex): Promise<PullAnswer | undefined> {
  const row = await store.db
    .selectFrom("answers as a")
    .innerJoin("requests as r", (join) =>
      join.onRef("r.chain_id", "=", "a.chain_id").onRef("r.request_id", "=", "a.request_id"),
    )
    .select(["r.request", "a.answer", "a.output", "a.signature"])
    .where("a.request_id", "=", requestId)
    .orderBy("a.recorded_at")
    .executeTakeFirst();
  if (row === undefined) {
    return undefined;
  }
  return {
    request: JSON.parse(row.request),
    answer: JSON.parse(row.answer),
    output: row.output as Hex,
    signature: row.signature as Hex,
  };
}
