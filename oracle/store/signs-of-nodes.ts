/** The signs that nodes leave in a store that they share, for whoever only reads it. */

import { sql } from "kysely";
import type { ReadableStore } from "./store.ts";

export interface SignsOfNodes {
  /** Whether this is a copy that follows another server. */
  readonly isReplica: boolean;
  /** Seconds that the newest change is old which a replica has; `null` elsewhere. */
  readonly lagSeconds: number | null;
  /** Processes that renewed what they hold, or would hold, in time. */
  readonly nodes: number;
  readonly chains: readonly {
    readonly chainId: number;
    /** Newest block that was read; `null` before the first. */
    readonly block: number | null;
    /** Whether a node has the chain to itself, and renewed that in time: a row was written then. */
    readonly isFollowed: boolean;
  }[];
}

/** By the database's clock; leases are `chain:{chainId}`, with `#{holder}` behind it of whoever stands for one. */
export async function readSignsOfNodes(
  store: ReadableStore,
  chainIds: readonly number[],
): Promise<SignsOfNodes> {
  const { rows } = await sql<SignsOfNodes>`
    with now as (select (extract(epoch from clock_timestamp()) * 1000)::bigint as ms),
      live as (select name, holder from leases, now where starts_with(name, 'chain:') and expires_at > now.ms)
    select pg_is_in_recovery() as "isReplica",
      case when pg_is_in_recovery()
        then greatest(0, round(extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())))::bigint end as "lagSeconds",
      (select count(distinct holder) from live) as "nodes",
      (select json_agg(json_build_object(
          'chainId', c.id,
          'block', (select max(number) from blocks b where b.chain_id = c.id),
          'isFollowed', exists (select from live where name = 'chain:' || c.id)) order by c.id)
        from unnest(${[...chainIds]}::bigint[]) as c (id)) as "chains"`.execute(store.db);
  const [signs] = rows;
  if (signs === undefined) throw new TypeError("a select without a table gives one row");
  return signs;
}
