/** What a node knows of a request whose answer becomes a row of a proven ledger. */

import * as z from "zod";
import { AnswerStatus } from "../../protocol/answer.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { Request } from "../../protocol/request.ts";
import { isDisclosed } from "./disclosure.ts";
import type { Store } from "./store.ts";

export interface AnsweredWrite {
  readonly request: Request;
  /** Whether the answer is told to whoever asks: a transition tells it. */
  readonly isDisclosed: boolean;
  /** Enclaves of this node that answered. */
  readonly keysetIds: readonly Hex[];
}

export async function readAnsweredWrite(
  store: Store,
  chainId: number,
  requestId: Hex,
): Promise<AnsweredWrite | undefined> {
  const row = await store.db
    .selectFrom("requests as r")
    .leftJoin("settlements as s", (join) =>
      join.onRef("s.chain_id", "=", "r.chain_id").onRef("s.request_id", "=", "r.request_id"),
    )
    .select(["r.request", "s.kind"])
    .where("r.chain_id", "=", chainId)
    .where("r.request_id", "=", requestId)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const answers = await store.db
    .selectFrom("answers")
    .select("keyset_id")
    .where("chain_id", "=", chainId)
    .where("request_id", "=", requestId)
    .where("status", "=", AnswerStatus.ok)
    .orderBy("recorded_at")
    .execute();
  return {
    request: z.decode(Request, JSON.parse(row.request) as z.input<typeof Request>),
    isDisclosed: isDisclosed(row.request, row.kind ?? undefined),
    keysetIds: answers.map(({ keyset_id }) => keyset_id as Hex),
  };
}
