import type { Hex } from "../../../protocol/bytes.ts";
import { InputError } from "../../../protocol/errors.ts";
import type { Engine } from "../../engine/engine.ts";
import { refreshPhases } from "../../store/phases.ts";
import type { Store } from "../../store/store.ts";

/**
 * Takes up a request again that was refused, or whose job or settlement failed: forgets the refusal and the waiting time,
 * and queues its job anew. An answer that is there is not asked for again.
 *
 * @throws {InputError} INPUT_NOT_FOUND; INPUT_CONFLICT when it is settled
 */
export async function retryRequest(store: Store, engine: Engine, requestId: Hex): Promise<void> {
  await store.db.transaction().execute(async (trx) => {
    const row = await trx
      .updateTable("requests")
      .set({ attempts: 0, retry_at: 0, last_error: null, parked: false })
      .where("request_id", "=", requestId)
      .returning(["chain_id", "phase", "released"])
      .executeTakeFirst();
    if (row === undefined)
      throw new InputError({ code: "INPUT_NOT_FOUND", message: "no such request is known to this node" });
    if (row.phase === "settled")
      throw new InputError({ code: "INPUT_CONFLICT", message: "the request is settled" });
    await trx.deleteFrom("refusals").where("request_id", "=", requestId).execute();
    await refreshPhases(trx, row.chain_id, [requestId]);
    if (row.released) await engine.enqueue(trx, "answers", [{ data: { chainId: row.chain_id, requestId } }]);
  });
}
