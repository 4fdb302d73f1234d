import { sql } from "kysely";
import type { Hex } from "../../../protocol/bytes.ts";
import type { Store } from "../store.ts";

/** One above the highest nonce that this store ever committed for the key; 0 for none. */
export async function nextStoredNonce(store: Store, chainId: number, signer: Hex): Promise<number> {
  const row = await store.db
    .selectFrom("transactions")
    .select(({ fn }) => fn.max("nonce").as("nonce"))
    .where("chain_id", "=", chainId)
    .where("signer", "=", signer)
    .where("state", "<>", "lost")
    .executeTakeFirst();
  const nonce = row?.nonce as number | null | undefined;
  return nonce === null || nonce === undefined ? 0 : nonce + 1;
}

export interface NonceRange {
  readonly from: number;
  /** Exclusive. */
  readonly below: number;
  readonly limit: number;
}

/** The lowest nonces of the key, at most `limit`, under which this store has sent nothing. */
export async function unknownNonces(
  store: Store,
  chainId: number,
  signer: Hex,
  { from, below, limit }: NonceRange,
): Promise<number[]> {
  const { rows } = await sql<{ nonce: number }>`
    select n as nonce from generate_series(${from}::bigint, ${below}::bigint - 1) n
    where not exists (select from transactions t
      where t.chain_id = ${chainId} and t.signer = ${signer} and t.nonce = n and t.state <> 'lost')
    order by n limit ${limit}`.execute(store.db);
  return rows.map(({ nonce }) => nonce);
}
