import { type Db as BossDb, type JobInsert, PgBoss } from "pg-boss";
import { sql } from "kysely";
import type { Logger } from "../log.ts";
import { countWaitingJobs } from "../store/dead-letters.ts";
import { bossTransaction, type Store, type StoreTransaction } from "../store/store.ts";

export type QueueName = "answers";

/** How often dead heartbeats are looked for: a node's jobs are taken over within this, the heartbeat and `RETRY_DELAY_SECONDS`. */
const MONITOR_SECONDS = 2;
/** Doubled by each attempt. */
const RETRY_DELAY_SECONDS = 1;
/** Attempts that end in a bug or an unknown error; waiting for an enclave is not counted. */
const RETRY_LIMIT = 8;
/** How often jobs are taken up again that nothing was wrong with. */
const REVIVE_MS = 60_000;
/** As pg-boss says of jobs whose node gave no sign of life, or worked for too long. */
const LAPSED = ["job heartbeat timeout", "job timed out"] as const;
/** In the output of jobs whose results the store did not take. */
export const STORE_FAILED = "storeFailed";
const NO_JOB = "00000000-0000-0000-0000-000000000000";
const FINISHED_JOBS_KEPT_SECONDS = 3_600;
/** Longer than any request lives (MAX_LIFETIME_SECONDS of the coordinator: 30 days), however long no node can do it. */
const WAITING_JOBS_KEPT_SECONDS = 31 * 86_400;

export interface Engine {
  readonly boss: PgBoss;
  /** Queues jobs in the caller's transaction. */
  enqueue(trx: StoreTransaction, queue: QueueName, jobs: readonly JobInsert[]): Promise<void>;
  /** Jobs that failed for good, by the request that they were about. */
  deadLetters(queue: QueueName): Promise<readonly object[]>;
  /** Takes up again those that are no bug: their node was too busy or died, or the store took nothing. @returns how many */
  revive(queue: QueueName): Promise<number>;
  /** How many those are, without reading them. */
  countDeadLetters(queue: QueueName): Promise<number>;
  stop(): Promise<void>;
}

/** Jobs of one chain are a group: it may not use what the others need. */
function withGroup(job: JobInsert): JobInsert {
  const { chainId } = (job.data ?? {}) as { readonly chainId?: number };
  return chainId === undefined ? job : { ...job, group: { id: String(chainId) } };
}

export function deadLetterQueue(queue: QueueName): string {
  return `${queue}-dead`;
}

async function createQueues(boss: PgBoss, queue: QueueName, heartbeatSeconds: number): Promise<void> {
  await boss.createQueue(deadLetterQueue(queue), { retentionSeconds: 90 * 86_400 });
  await boss.createQueue(queue, {
    retryLimit: RETRY_LIMIT,
    retryDelay: RETRY_DELAY_SECONDS,
    retryBackoff: true,
    retryDelayMax: 60,
    expireInSeconds: 3_600,
    heartbeatSeconds,
    retentionSeconds: WAITING_JOBS_KEPT_SECONDS,
    deleteAfterSeconds: FINISHED_JOBS_KEPT_SECONDS,
    deadLetter: deadLetterQueue(queue),
  });
  // A queue that is there already keeps what it was made with.
  await boss.updateQueue(queue, { heartbeatSeconds, retentionSeconds: WAITING_JOBS_KEPT_SECONDS });
}

/**
 * The embedded store has one owner: whatever is active at its start was left by a process that died.
 * On PostgreSQL another node may be working on it, and the heartbeat decides.
 */
async function releaseAbandonedJobs(queue: QueueName, db: BossDb): Promise<number> {
  const { rows } = await db.executeSql(
    `update pgboss.job set state = 'retry', start_after = now() where name = $1 and state = 'active' returning id`,
    [queue],
  );
  return rows.length;
}

/** What their jobs were about. */
async function takeLapsed(trx: StoreTransaction, queue: QueueName): Promise<object[]> {
  const { rows } = await sql<{ data: object }>`
    delete from pgboss.job where name = ${deadLetterQueue(queue)} and state = 'created'
      and (source_output -> 'value' ->> 'message' = any(${[...LAPSED]}) or source_output ->> ${STORE_FAILED} = 'true')
    returning data`.execute(trx);
  return rows.map(({ data }) => data);
}

/**
 * Starts pg-boss on the store's database, with the queues in place and abandoned jobs released.
 *
 * @param heartbeatSeconds a job whose node gave no sign of life for so long, by the database's clock, is another's; pg-boss
 *   allows no less than 10
 */
export async function startEngine(store: Store, log: Logger, heartbeatSeconds: number): Promise<Engine> {
  const boss = new PgBoss({
    ...store.boss,
    schedule: false,
    superviseIntervalSeconds: MONITOR_SECONDS,
    monitorIntervalSeconds: MONITOR_SECONDS,
    warningSlowQuerySeconds: 30,
  });
  boss.on("error", (error) => {
    log.warn("engine.error", { error });
  });
  boss.on("warning", (warning) => {
    log.debug("engine.warning", { message: warning.message });
  });
  await boss.start();
  await createQueues(boss, "answers", heartbeatSeconds);
  // Fills pg-boss's cache of queues. A miss inside a transaction would ask by another connection, and the embedded store
  // has but one: it would wait for itself.
  await boss.touch("answers", NO_JOB);
  if (store.kind === "pglite") {
    const released = await releaseAbandonedJobs("answers", boss.getDb());
    if (released > 0) log.info("engine.released", { jobs: released });
  }
  const enqueue: Engine["enqueue"] = async (trx, queue, jobs) => {
    if (jobs.length > 0) await boss.insert(queue, jobs.map(withGroup), { db: bossTransaction(trx) });
  };
  const revive = (queue: QueueName): Promise<number> =>
    store.db.transaction().execute(async (trx) => {
      const dead = await takeLapsed(trx, queue);
      await enqueue(
        trx,
        queue,
        dead.map((data) => ({ data })),
      );
      return dead.length;
    });
  const reviving = setInterval(() => {
    revive("answers").then(
      (jobs) => {
        if (jobs > 0) log.warn("engine.revived", { jobs });
      },
      (error: unknown) => {
        log.warn("engine.error", { error });
      },
    );
  }, REVIVE_MS).unref();
  return {
    boss,
    enqueue,
    revive,
    async deadLetters(queue) {
      const jobs = await boss.findJobs<object>(deadLetterQueue(queue));
      return jobs.map(({ id, data, sourceCreatedOn, sourceOutput }) => ({
        id,
        data,
        since: sourceCreatedOn,
        error: sourceOutput,
      }));
    },
    countDeadLetters: (queue) => countWaitingJobs(boss.getDb(), deadLetterQueue(queue)),
    stop: () => {
      clearInterval(reviving);
      return boss.stop({ graceful: false, close: true });
    },
  };
}
