import { type Expression, sql, type SqlBool } from "kysely";

/** Where in the index something stands: of all chains, newest block first. */
export interface Place {
  readonly blockNumber: number;
  readonly logIndex: number;
  readonly chainId: number;
}

/**
 * Rows of a table with the columns of a place that come after it on the pages, newest first.
 *
 * @param table by which name, where the query is of several
 */
export function comesAfter({ blockNumber, logIndex, chainId }: Place, table?: string): Expression<SqlBool> {
  const [block, log, chain] = ["block_number", "log_index", "chain_id"].map((column) =>
    sql.ref(table === undefined ? column : `${table}.${column}`),
  );
  return sql<SqlBool>`(${block}, ${log}, ${chain}) < (${blockNumber}, ${logIndex}, ${chainId})`;
}
