import { sql } from "kysely";
import type { StoreTransaction } from "./store.ts";

/**
 * Sets the phase of requests from what the other tables say of them. Every change of a request's answers, transactions,
 * refusal or settlement ends with this, in the same transaction; so a phase is never more than a cached conclusion.
 */
export async function refreshPhases(
  trx: StoreTransaction,
  chainId: number,
  requestIds: readonly string[],
): Promise<void> {
  if (requestIds.length === 0) {
    return;
  }
  await sql`
    update requests r set phase = case
      when exists (select 1 from settlements s where s.chain_id = r.chain_id and s.request_id = r.request_id) then 'settled'
      when exists (select 1 from transaction_items i
                   where i.chain_id = r.chain_id and i.request_id = r.request_id and i.live) then 'sent'
      when r.threshold <= (select count(*) from answers a where a.chain_id = r.chain_id and a.request_id = r.request_id)
        then 'answered'
      when exists (select 1 from refusals f where f.chain_id = r.chain_id and f.request_id = r.request_id) then 'refused'
      when r.released then 'asked'
      else 'seen' end
    where r.chain_id = ${chainId} and r.request_id = any(${[...requestIds]})`.execute(trx);
}
