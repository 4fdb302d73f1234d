import { sql } from "kysely";
import * as z from "zod";
import { Answer } from "../../protocol/answer.ts";
import type { Hex } from "../../protocol/bytes.ts";
import type { StateBlock } from "../../protocol/state-block.ts";
import { refreshPhases } from "./phases.ts";
import { insertReceipts, type StoredReceipt } from "./receipts.ts";
import type { Store, StoreTransaction } from "./store.ts";
import { parkRequests } from "./unserved.ts";

/** The outcome of one job. */
export type AnswerRecord =
  | { readonly kind: "nothing" }
  /** No enclave here can answer it now: its job is made anew when one can. */
  | { readonly kind: "unserved"; readonly chainId: number; readonly requestId: Hex }
  | {
      readonly kind: "refused";
      readonly chainId: number;
      readonly requestId: Hex;
      readonly code: string;
      /** Milliseconds. */
      readonly refusedAt: number;
    }
  | {
      readonly kind: "answered";
      readonly chainId: number;
      readonly requestId: Hex;
      readonly keysetId: Hex;
      readonly answer: Answer;
      readonly signature: Hex;
      readonly output: Hex;
      readonly stateBlock: StateBlock;
      /** Over the answer's leaf; `null` where the request's threshold is 1. */
      readonly leafSignature: Hex | null;
      /** Seconds. */
      readonly notBefore: number;
      readonly receipt: StoredReceipt;
      /** Milliseconds. */
      readonly recordedAt: number;
    };

export interface OpenRequest {
  readonly chainId: number;
  readonly requestId: Hex;
  /** JSON text of the `Request`. */
  readonly request: string;
  readonly payload: Hex;
  readonly payloadUri: string;
  /** Seconds. */
  readonly deadline: number;
  /** Seconds. */
  readonly blockTime: number;
  readonly blockNumber: number;
  readonly blockHash: Hex;
  /** Milliseconds: when its job was queued. */
  readonly releasedAt: number;
}

/** Requests that wait for an enclave; a gap for one that is gone, settled, answered or refused. */
export async function readOpenRequests(
  store: Store,
  keys: readonly Pick<OpenRequest, "chainId" | "requestId">[],
): Promise<(OpenRequest | undefined)[]> {
  const rows = await store.db
    .selectFrom("requests")
    .select([
      ...(["chain_id", "request_id", "request", "payload", "payload_uri"] as const),
      ...(["deadline", "block_time", "block_number", "block_hash", "released_at"] as const),
    ])
    .where("chain_id", "in", [...new Set(keys.map(({ chainId }) => chainId))])
    .where(
      "request_id",
      "in",
      keys.map(({ requestId }) => requestId),
    )
    // A quorum's step is under way, and its other members may be this node's to give.
    .where(
      sql<boolean>`(phase = 'asked' or phase = 'sent' and threshold > 1 and threshold > (
        select count(*) from answers a where a.chain_id = requests.chain_id and a.request_id = requests.request_id))`,
    )
    .execute();
  const found = new Map(rows.map((row) => [`${row.chain_id}/${row.request_id}`, row]));
  return keys.map(({ chainId, requestId }) => {
    const row = found.get(`${chainId}/${requestId}`);
    return row === undefined
      ? undefined
      : {
          chainId,
          requestId,
          request: row.request,
          payload: row.payload as Hex,
          payloadUri: row.payload_uri,
          deadline: row.deadline,
          blockTime: row.block_time,
          blockNumber: row.block_number,
          blockHash: row.block_hash as Hex,
          releasedAt: row.released_at,
        };
  });
}

/** Writes answers with their receipts, and refusals. An answer that is there already stays. */
export async function recordAnswers(trx: StoreTransaction, records: readonly AnswerRecord[]): Promise<void> {
  const answered = records.filter((record) => record.kind === "answered");
  const refused = records.filter((record) => record.kind === "refused");
  if (answered.length > 0) {
    await trx
      .insertInto("answers")
      .values(
        answered.map((record) => ({
          chain_id: record.chainId,
          request_id: record.requestId,
          keyset_id: record.keysetId,
          status: record.answer.status,
          answer: JSON.stringify(z.encode(Answer, record.answer)),
          signature: record.signature,
          output: record.output,
          not_before: record.notBefore,
          state_block_number: Number(record.stateBlock.number),
          state_block_hash: record.stateBlock.hash,
          leaf_signature: record.leafSignature,
          recorded_at: record.recordedAt,
        })),
      )
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    await insertReceipts(trx, answered);
  }
  if (refused.length > 0) {
    await trx
      .insertInto("refusals")
      .values(
        refused.map(({ chainId, requestId, code, refusedAt }) => ({
          chain_id: chainId,
          request_id: requestId,
          code,
          refused_at: refusedAt,
        })),
      )
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  const unserved = records.filter((record) => record.kind === "unserved");
  for (const [chainId, group] of Map.groupBy(unserved, (record) => record.chainId)) {
    await parkRequests(
      trx,
      chainId,
      group.map(({ requestId }) => requestId),
    );
  }
  const byChain = Map.groupBy([...answered, ...refused], ({ chainId }) => chainId);
  for (const [chainId, group] of byChain) {
    await refreshPhases(
      trx,
      chainId,
      group.map(({ requestId }) => requestId),
    );
  }
}
