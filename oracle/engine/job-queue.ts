import type { Job } from "pg-boss";
import { type Logger, toLoggedError } from "../log.ts";
import { bossTransaction, type Store, type StoreTransaction } from "../store/store.ts";
import { type Engine, type QueueName, STORE_FAILED } from "./engine.ts";
import { Wakeable } from "./wakeable.ts";

/** A job's outcome. `later` is not a failure: the job waits and is not counted as an attempt. */
export type JobOutcome<Result> =
  { readonly kind: "done"; readonly result: Result } | { readonly kind: "later"; readonly seconds: number };

export interface JobQueueOptions<Data extends object, Result> {
  readonly engine: Engine;
  readonly store: Store;
  readonly log: Logger;
  readonly name: QueueName;
  /** Jobs in flight at once. */
  readonly slots: number;
  /** Does the work and writes nothing; may run again after a crash. */
  readonly handle: (data: Data, signal: AbortSignal) => Promise<JobOutcome<Result>>;
  /** Writes results; commits together with the completion of their jobs. */
  readonly record: (trx: StoreTransaction, results: readonly Result[]) => Promise<void>;
  /** Groups that jobs are of, each of which is to find a free slot however busy the others are; 1 by default: no share is kept. */
  readonly groups?: number;
  /** Whether any job could be done now; while not, none is fetched. */
  readonly isReady: () => boolean;
  readonly onRecorded?: (results: readonly Result[]) => void;
}

interface Finished<Data, Result> {
  readonly job: Job<Data>;
  readonly outcome: JobOutcome<Result>;
}

const IDLE_POLL_MS = 500;
const TOUCH_MS = 3_000;
/**
 * A fetch and a commit cost the same for one job as for many. So either waits this long for company, or until a quarter of
 * what there could be has come; at once where nobody else can come.
 */
const GATHER_MS = 40;
const GATHER_SHARE = 4;

/** Of all slots, what is kept for groups that have nothing to do: divided among them. */
const KEPT_SHARE = 0.25;

/**
 * One fetch loop over a pg-boss queue, filling free slots, and one group commit: all jobs that finished while the last
 * commit ran are recorded and completed in one transaction. (`boss.work` with one job per worker gives 25 jobs a second.)
 */
export class JobQueue<Data extends object, Result> {
  readonly #options: JobQueueOptions<Data, Result>;
  readonly #active = new Map<string, Job<Data>>();
  readonly #abort = new AbortController();
  readonly #loop: Wakeable;
  readonly #touching: NodeJS.Timeout;
  #finished: Finished<Data, Result>[] = [];
  #flushing: Promise<void> | undefined;
  /** Milliseconds of `performance.now`. */
  #committedAt = 0;
  #gatheringJobs: NodeJS.Timeout | undefined;
  #gatheringResults: NodeJS.Timeout | undefined;

  constructor(options: JobQueueOptions<Data, Result>) {
    this.#options = options;
    this.#loop = new Wakeable(IDLE_POLL_MS, () => this.#fetch());
    this.#touching = setInterval(() => {
      this.#touch();
    }, TOUCH_MS);
  }

  /** Looks for jobs now instead of at the next poll. */
  wake(): void {
    this.#loop.wake();
  }

  inFlight(): number {
    return this.#active.size;
  }

  /** Takes no more jobs; waits up to `graceMs` for those in flight. The others run again after heartbeat or restart. */
  async stop(graceMs: number): Promise<void> {
    await this.#loop.stop();
    const timer = setTimeout(() => {
      this.#abort.abort();
    }, graceMs);
    while (this.#active.size > 0 && !this.#abort.signal.aborted)
      await new Promise((resolve) => setTimeout(resolve, 10));
    clearTimeout(timer);
    clearInterval(this.#touching);
    clearTimeout(this.#gatheringJobs);
    clearTimeout(this.#gatheringResults);
    await this.#flushing;
    if (this.#finished.length > 0) await this.#flush();
  }

  /** @returns whether there may be more to fetch at once */
  async #fetch(): Promise<boolean> {
    const { engine, name, slots, log, isReady } = this.#options;
    const { batchSize, ignoreGroups } = this.#room(slots - this.#active.size);
    if (batchSize <= 0 || !isReady()) return false;
    try {
      const jobs = await engine.boss.fetch<Data>(name, { batchSize, ignoreGroups });
      for (const job of jobs) {
        this.#active.set(job.id, job);
        void this.#run(job);
      }
      return jobs.length === batchSize;
    } catch (error) {
      log.warn("queue.fetch-failed", { queue: name, error });
      return false;
    }
  }

  /** How many jobs may be fetched, and of which groups none: those that use all that the others leave them. */
  #room(free: number): { readonly batchSize: number; readonly ignoreGroups: string[] } {
    const { slots, groups = 1 } = this.#options;
    if (groups < 2) return { batchSize: free, ignoreGroups: [] };
    const kept = Math.max(1, Math.floor((slots * KEPT_SHARE) / groups));
    const most = Math.max(1, slots - kept * (groups - 1));
    const used = Map.groupBy(this.#active.values(), ({ groupId }) => groupId ?? "");
    const full = [...used].filter(([, jobs]) => jobs.length >= most).map(([group]) => group);
    // One fetch may bring jobs of one group alone.
    const busiest = Math.max(
      0,
      ...[...used.values()].map(({ length }) => length).filter((count) => count < most),
    );
    return { batchSize: Math.min(free, most - busiest), ignoreGroups: full };
  }

  async #run(job: Job<Data>): Promise<void> {
    const { log, name, handle } = this.#options;
    try {
      const outcome = await handle(job.data, this.#abort.signal);
      this.#finished.push({ job, outcome });
      this.#gatherResults();
    } catch (error) {
      if (!this.#abort.signal.aborted)
        log.error("queue.job-failed", { queue: name, attempt: job.retryCount, error });
      await this.#fail([job], error);
    }
  }

  /**
   * One commit for those that end about now: an embedded store, being synchronous, would otherwise commit each by itself.
   * After a quiet time the first goes at once.
   */
  #gatherResults(): void {
    if (this.#flushing !== undefined) return;
    const left = GATHER_MS - (performance.now() - this.#committedAt);
    if (left <= 0 || this.#finished.length >= this.#active.size / GATHER_SHARE) {
      clearTimeout(this.#gatheringResults);
      this.#gatheringResults = undefined;
      this.#flushing = this.#flush();
    } else {
      this.#gatheringResults ??= setTimeout(() => {
        this.#gatheringResults = undefined;
        this.#flushing ??= this.#flush();
      }, left);
    }
  }

  async #flush(): Promise<void> {
    const { log, name } = this.#options;
    // Whoever's reply has arrived with this one is heard first.
    await new Promise(setImmediate);
    const batch = this.#finished;
    this.#finished = [];
    try {
      await this.#commit(batch);
      this.#forget(batch.map(({ job }) => job));
    } catch (error) {
      // The results are lost, not the jobs: they run again, and the enclave returns the same bytes for the same request.
      log.error("queue.commit-failed", { queue: name, jobs: batch.length, error });
      await this.#fail(
        batch.map(({ job }) => job),
        error,
        { [STORE_FAILED]: true },
      );
    }
    this.#committedAt = performance.now();
    this.#flushing = undefined;
    if (this.#finished.length > 0) this.#gatherResults();
  }

  async #commit(batch: readonly Finished<Data, Result>[]): Promise<void> {
    const { engine, store, name, record, onRecorded, log } = this.#options;
    const results = batch.flatMap(({ outcome }) => (outcome.kind === "done" ? [outcome.result] : []));
    const later = batch.flatMap(({ job, outcome }) =>
      outcome.kind === "later" ? [{ data: job.data, startAfter: outcome.seconds }] : [],
    );
    await store.db.transaction().execute(async (trx) => {
      if (results.length > 0) await record(trx, results);
      await engine.enqueue(trx, name, later);
      await engine.boss.complete(name, batch.map(toAttempt), null, { db: bossTransaction(trx) });
    });
    if (results.length > 0) {
      log.debug("step.recorded", { results: results.length });
      onRecorded?.(results);
    }
  }

  async #fail(jobs: readonly Job<Data>[], error: unknown, further: object = {}): Promise<void> {
    const { engine, name, log } = this.#options;
    try {
      await engine.boss.fail(
        name,
        jobs.map(({ id, retryCount }) => ({ id, retryCount })),
        { error: toLoggedError(error), ...further },
      );
    } catch (failure) {
      log.error("queue.fail-failed", { queue: name, error: failure });
    }
    this.#forget(jobs);
  }

  #forget(jobs: readonly Job<Data>[]): void {
    for (const job of jobs) this.#active.delete(job.id);
    const { slots } = this.#options;
    if (this.#active.size === 0 || slots - this.#active.size >= slots / GATHER_SHARE) {
      // Answers already recorded go first.
      setImmediate(() => {
        this.wake();
      });
    } else {
      this.#gatheringJobs ??= setTimeout(() => {
        this.#gatheringJobs = undefined;
        this.wake();
      }, GATHER_MS);
    }
  }

  #touch(): void {
    const { engine, name, log } = this.#options;
    if (this.#active.size === 0) return;
    const jobs = [...this.#active.values()].map(({ id, retryCount }) => ({ id, retryCount }));
    engine.boss.touch(name, jobs).catch((error: unknown) => {
      log.warn("queue.touch-failed", { queue: name, error });
    });
  }
}

function toAttempt<Data, Result>({ job }: Finished<Data, Result>): { id: string; retryCount: number } {
  return { id: job.id, retryCount: job.retryCount };
}
