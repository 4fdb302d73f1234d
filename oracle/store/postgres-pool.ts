import type { PostgresPool, PostgresPoolClient } from "kysely";
import { DatabaseError, types as pgTypes, Pool, type PoolClient, type PoolConfig } from "pg";

/**
 * How soon a connection that a partition or a failover left half open is given up. TCP by itself takes a quarter of an hour
 * where something was sent, and for ever where nothing was.
 */
export const PATIENCE = {
  /** A server behind a firewall that drops packets says nothing at all. */
  connectionTimeoutMillis: 10_000,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
  /** Many times what the slowest query takes. */
  query_timeout: 60_000,
} as const satisfies PoolConfig;

/** Heap, blocks and times fit a double; wei is text. */
const INT8 = 20;

const toNumber = (text: string): number => Number(text);
const defaultParser = pgTypes.getTypeParser as (
  id: number,
  format?: "text" | "binary",
) => (text: string) => unknown;

/** Connections for Kysely, none of which is used again after it left a query without an answer. */
export function createPostgresPool(config: PoolConfig): PostgresPool {
  const pool = new Pool({
    ...config,
    types: {
      getTypeParser: (id: number, format?: "text" | "binary") =>
        id === INT8 && format !== "binary" ? toNumber : defaultParser(id, format),
    },
  });
  // An idle connection that breaks (database restart) emits on the pool; one in use on its client, beside the failure of
  // its query. Without a listener either would end the process. The next query opens another connection.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return {
    options: pool.options,
    connect: async () => discardAfterSilence(await pool.connect()),
    end: () => pool.end(),
  };
}

/**
 * The driver answers for a server that is silent, and goes on waiting: whatever is asked next, the rollback first of all,
 * would wait behind it and as long. Kysely gives such a connection back to the pool.
 */
function discardAfterSilence(client: PoolClient): PostgresPoolClient {
  let failure: Error | undefined;
  const query = async (text: string, values: readonly unknown[]): Promise<unknown> => {
    if (failure !== undefined) throw failure;
    try {
      return await client.query(text, [...values]);
    } catch (error) {
      if (error instanceof Error && !(error instanceof DatabaseError)) failure = error;
      throw error;
    }
  };
  return {
    // Kysely asks with a cursor only where it was given one.
    query: query as PostgresPoolClient["query"],
    release: (destroy) => {
      client.release(destroy === true || failure !== undefined);
    },
  };
}
