import type { Hex } from "../../protocol/bytes.ts";
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

/** The receipt file's text: of the answer that settled the request where it is known, else of any. */
export async function findReceipt(store: Store, requestId: Hex): Promise<string | undefined> {
  const row = await store.db
    .selectFrom("receipts as r")
    .leftJoin("settlements as s", (join) =>
      join
        .onRef("s.chain_id", "=", "r.chain_id")
        .onRef("s.request_id", "=", "r.request_id")
        .onRef("s.keyset_id", "=", "r.keyset_id"),
    )
    .select("r.receipt")
    .where("r.request_id", "=", requestId)
    .orderBy("s.request_id", (order) => order.asc().nullsLast())
    .limit(1)
    .executeTakeFirst();
  return row?.receipt;
}
