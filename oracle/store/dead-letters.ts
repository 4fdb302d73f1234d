import type { Db as BossDb } from "pg-boss";
import * as z from "zod";

/**
 * Nobody fetches dead letters: all of them wait. Said with the condition of pg-boss's partial index of what does, so that none
 * of the jobs is read, nor those that have ended. (pg-boss's own count reads the whole table, or is up to an hour old.)
 */
const COUNT_WAITING = `select count(*)::int as count from pgboss.job
  where name = $1 and state < 'active' and not blocked`;

/** How many jobs of a queue wait. */
export async function countWaitingJobs(db: Pick<BossDb, "executeSql">, queue: string): Promise<number> {
  const { rows } = await db.executeSql(COUNT_WAITING, [queue]);
  return z.tuple([z.object({ count: z.int() })]).parse(rows)[0].count;
}
