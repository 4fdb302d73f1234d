import { sql } from "kysely";
import type { Expression, SqlBool } from "kysely";

/** Where in the index something stands: of all chains, newest block first. */
export interface Place {
  readonly blockNumber: number;
  readonly logIndex: number;
  readonly chainId: number;
}

/** Rows of a table with the columns of a place that come after it on the pages, newest first. */
export function comesAfter({ blockNumber, logIndex, chainId }: Place): Expression<SqlBool> {
  return sql<SqlBool>`(block_number, log_index, chain_id) < (${blockNumber}, ${logIndex}, ${chainId})`;
}
