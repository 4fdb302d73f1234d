import { answerStatusName } from "../../protocol/answer.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { type Admission, listAdmissions } from "./list-admissions.ts";
import { isDisclosed } from "./disclosure.ts";
import { findReason } from "./receipts.ts";
import { isBound } from "./phases.ts";
import type { RequestPhase } from "./schema.ts";
import type { ReadableStore } from "./store.ts";

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
    /** The status in words. */
    readonly reason: string;
    /** The enclave's own words for why there is no output; `null` where there is one, and while that may still be withheld. */
    readonly because: string | null;
    /** Seconds: the contract takes it from then on; 0 for at once. */
    readonly settlesFrom: number;
    /** Whether the block that it is bound to is still the chain's: no contract takes it otherwise. */
    readonly isBound: boolean;
    readonly keysetId: Hex;
    /** `null`, like the output, while it is withheld: its hash alone gives a short output away. */
    readonly answer: unknown;
    readonly output: Hex | null;
    /** Whether the output is not told yet: it is for the chain first. Its status is told at once. */
    readonly isWithheld: boolean;
    readonly stateBlockNumber: string;
    /** The newest admission of that keyset under the request's policy. */
    readonly admission: Admission | null;
  } | null;
  readonly settlement: {
    readonly kind: "fulfilled" | "refunded" | "cancelled";
    readonly status: number;
    readonly keysetId: Hex;
    /** Seconds; 0 unless fulfilled. With the status and the output, what a second delivery names. */
    readonly answeredAt: number;
    readonly outputHash: Hex;
    readonly callbackSucceeded: boolean | null;
    readonly tx: Hex;
    readonly blockNumber: number;
    /** Of a callback that failed: the transaction that delivered it again. */
    readonly deliveredAgainTx: Hex | null;
  } | null;
  /** The fate of the leaves of a request of several answers; oldest first. */
  readonly quorum: readonly QuorumView[];
  /** Hashes of the transactions that this node sent for it, oldest first. */
  readonly transactions: readonly Hex[];
}

export interface QuorumView {
  readonly event: "committed" | "opened" | "cleared";
  readonly leaves: readonly Hex[];
  /** Seconds; 0 while there are too few leaves. */
  readonly windowEndsAt: number;
  readonly tx: Hex;
}

/** The request of this id on every chain that has it (one, but for a hash collision). */
export async function findRequest(store: ReadableStore, requestId: Hex): Promise<RequestView | undefined> {
  const row = await store.db
    .selectFrom("requests")
    .selectAll()
    .where("request_id", "=", requestId)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const key = { chain_id: row.chain_id, request_id: requestId };
  const [answer, settlement, refusal, attempts, quorum] = await Promise.all([
    store.db
      .selectFrom("answers as a")
      .innerJoin("requests as r", (join) =>
        join.onRef("r.chain_id", "=", "a.chain_id").onRef("r.request_id", "=", "a.request_id"),
      )
      .selectAll("a")
      .select(isBound.as("is_bound"))
      .where("a.chain_id", "=", key.chain_id)
      .where("a.request_id", "=", requestId)
      .orderBy("is_bound", "desc")
      .orderBy("a.recorded_at")
      .executeTakeFirst(),
    store.db
      .selectFrom("settlements as s")
      .leftJoin("deliveries as d", (join) =>
        join.onRef("d.chain_id", "=", "s.chain_id").onRef("d.request_id", "=", "s.request_id"),
      )
      .selectAll("s")
      .select("d.tx_hash as delivered_again_tx")
      .where("s.chain_id", "=", key.chain_id)
      .where("s.request_id", "=", requestId)
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
    store.db
      .selectFrom("quorum_events")
      .select(["event", "leaves", "window_ends_at", "tx_hash"])
      .where("chain_id", "=", key.chain_id)
      .where("request_id", "=", requestId)
      .orderBy("block_number")
      .orderBy("log_index")
      .execute(),
  ]);
  const { policyId } = JSON.parse(row.request) as { policyId?: string };
  const withheld = !isDisclosed(row.request, settlement?.kind);
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
            reason: answerStatusName(answer.status) ?? "unset",
            // What settles late is known now, so that the requester can cancel.
            because:
              withheld && answer.not_before === 0
                ? null
                : await findReason(store, { ...key, keyset_id: answer.keyset_id }),
            settlesFrom: answer.not_before,
            isBound: answer.is_bound,
            keysetId: answer.keyset_id as Hex,
            isWithheld: withheld,
            answer: withheld ? null : JSON.parse(answer.answer),
            output: withheld ? null : (answer.output as Hex),
            stateBlockNumber: String(answer.state_block_number),
            admission: admissions[0] ?? null,
          },
    settlement:
      settlement === undefined
        ? null
        : {
            kind: settlement.kind,
            status: settlement.status,
            keysetId: settlement.keyset_id as Hex,
            answeredAt: settlement.answered_at,
            outputHash: settlement.output_hash as Hex,
            callbackSucceeded: settlement.callback_succeeded,
            tx: settlement.tx_hash as Hex,
            blockNumber: settlement.block_number,
            deliveredAgainTx: settlement.delivered_again_tx as Hex | null,
          },
    quorum: quorum.map((row) => ({
      event: row.event,
      leaves: JSON.parse(row.leaves) as Hex[],
      windowEndsAt: row.window_ends_at,
      tx: row.tx_hash as Hex,
    })),
    transactions: attempts.map(({ hash }) => hash as Hex),
  };
}

/** An answer as a contract takes it: what a user of pull delivery passes on, each part under the contract's own name. */
export interface PullAnswer {
  readonly request: unknown;
  readonly answer: unknown;
  readonly output: Hex;
  readonly signature: Hex;
  /** Decimal: which block the contract is to look up the answer's `stateBlockHash` of. */
  readonly stateBlockNumber: string;
}

/** Of a request that the chain still has: an answer to one that a reorg dropped fits nothing. */
export async function findAnswer(store: ReadableStore, requestId: Hex): Promise<PullAnswer | undefined> {
  const row = await store.db
    .selectFrom("answers as a")
    .innerJoin("requests as r", (join) =>
      join.onRef("r.chain_id", "=", "a.chain_id").onRef("r.request_id", "=", "a.request_id"),
    )
    .select(["r.request", "a.answer", "a.output", "a.signature", "a.state_block_number"])
    .where("a.request_id", "=", requestId)
    .where(isBound)
    .orderBy("a.recorded_at")
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    request: JSON.parse(row.request),
    answer: JSON.parse(row.answer),
    output: row.output as Hex,
    signature: row.signature as Hex,
    stateBlockNumber: String(row.state_block_number),
  };
}
