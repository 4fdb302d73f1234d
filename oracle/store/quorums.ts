import { sql } from "kysely";
import type { Hex } from "../../protocol/bytes.ts";
import type { DueAnswer, DueAnswerQuery } from "./settlements.ts";
import type { Store } from "./store.ts";

/** Answers that settle a request together, in an order that the node does not choose. */
export interface DueQuorum {
  readonly requestId: Hex;
  /** JSON text of the `Request`. */
  readonly request: string;
  readonly answers: readonly Pick<DueAnswer, "answer" | "signature" | "output" | "notBefore">[];
}

/** The keysets that have answered a request. */
export async function readAnsweredKeysets(store: Store, chainId: number, requestId: Hex): Promise<Hex[]> {
  const rows = await store.db
    .selectFrom("answers")
    .select("keyset_id")
    .where("chain_id", "=", chainId)
    .where("request_id", "=", requestId)
    .execute();
  return rows.map(({ keyset_id }) => keyset_id as Hex);
}

/**
 * Complete quorums that nothing keeps from being sent, oldest request first. Where there are more answers than needed those
 * of the lowest status are taken: a host-causable one earns the others nothing either.
 */
export async function dueQuorums(
  store: Store,
  { chainId, time, baseFee, limit }: DueAnswerQuery,
): Promise<DueQuorum[]> {
  const requests = await store.db
    .selectFrom("requests")
    .select(["request_id", "request", "threshold"])
    .where("chain_id", "=", chainId)
    .where("phase", "=", "answered")
    .where("threshold", ">", 1)
    .where("released", "=", true)
    .where("retry_at", "<=", time)
    .where("deadline", ">=", time)
    .where("gas_price_cap", ">=", baseFee.toString())
    .where(
      // The latest of those that are chosen below, in the same order.
      sql<boolean>`${time} >= (select max(chosen.not_before) from (
        select a.not_before from answers a
        where a.chain_id = requests.chain_id and a.request_id = requests.request_id
        order by a.status, a.recorded_at, a.keyset_id limit requests.threshold) chosen)`,
    )
    .orderBy("block_number")
    .orderBy("log_index")
    .limit(limit)
    .execute();
  if (requests.length === 0) {
    return [];
  }
  const answers = await store.db
    .selectFrom("answers")
    .select(["request_id", "keyset_id", "answer", "signature", "output", "not_before"])
    .where("chain_id", "=", chainId)
    .where(
      "request_id",
      "in",
      requests.map(({ request_id }) => request_id),
    )
    .orderBy("status")
    .orderBy("recorded_at")
    .orderBy("keyset_id")
    .execute();
  const byRequest = Map.groupBy(answers, ({ request_id }) => request_id);
  return requests.flatMap(({ request_id, request, threshold }): DueQuorum[] => {
    const chosen = (byRequest.get(request_id) ?? []).slice(0, threshold);
    // Again, since answers may have come between the two queries.
    if (chosen.length < threshold || chosen.some(({ not_before }) => not_before > time)) {
      return [];
    }
    // Under aggregation "first" the first one's output is delivered: which that is must not be the fastest or the node's favourite.
    chosen.sort((a, b) => (a.keyset_id < b.keyset_id ? -1 : 1));
    return [
      {
        requestId: request_id as Hex,
        request,
        answers: chosen.map((row) => ({
          answer: row.answer,
          signature: row.signature as Hex,
          output: row.output as Hex,
          notBefore: row.not_before,
        })),
      },
    ];
  });
}
