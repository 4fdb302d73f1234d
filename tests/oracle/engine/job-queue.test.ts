import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { deadLetterQueue, type Engine, startEngine } from "../../../oracle/engine/engine.ts";
import { type JobOutcome, JobQueue } from "../../../oracle/engine/job-queue.ts";
import { createLogger } from "../../../oracle/log.ts";
import type { Store, StoreTransaction } from "../../../oracle/store/store.ts";
import { describeStores, useStore } from "../support/stores.ts";

interface Work {
  readonly number: number;
}

const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });
/** The least that pg-boss allows. */
const HEARTBEAT_SECONDS = 10;
/** Milliseconds. A failed job waits a second before it runs again. */
const PATIENCE = { timeout: 30_000 };

describeStores("the job queue", (create) => {
  let store: Store;
  let engine: Engine;

  useStore(create, (opened) => {
    store = opened;
  });

  beforeAll(async () => {
    engine = await startEngine(store, log, HEARTBEAT_SECONDS);
  });

  afterAll(async () => {
    await engine.stop();
  });

  /** Results are blocks of chain `chainId`: what a test finds there was recorded. */
  async function recorded(chainId: number): Promise<number[]> {
    const rows = await store.db
      .selectFrom("blocks")
      .select("number")
      .where("chain_id", "=", chainId)
      .orderBy("number")
      .execute();
    return rows.map(({ number }) => number);
  }

  const recordAs =
    (chainId: number) =>
    async (trx: StoreTransaction, results: readonly number[]): Promise<void> => {
      const rows = results.map((number) => ({ chain_id: chainId, number, hash: "0x" }));
      await trx.insertInto("blocks").values(rows).execute();
    };

  const refuse = (): Promise<void> => Promise.reject(new Error("no space left on device"));

  const enqueue = (...numbers: readonly number[]): Promise<void> =>
    store.db.transaction().execute((trx) =>
      engine.enqueue(
        trx,
        "answers",
        numbers.map((number) => ({ data: { number } })),
      ),
    );

  async function withQueue(
    options: {
      readonly handle: (work: Work) => Promise<JobOutcome<number>>;
      readonly record: (trx: StoreTransaction, results: readonly number[]) => Promise<void>;
      readonly slots?: number;
    },
    body: (queue: JobQueue<Work, number>) => Promise<void>,
  ): Promise<void> {
    const queue = new JobQueue<Work, number>({
      engine,
      store,
      log,
      name: "answers",
      slots: options.slots ?? 4,
      isReady: () => true,
      handle: options.handle,
      record: options.record,
    });
    await body(queue);
    await queue.stop(0);
  }

  const done = (number: number): JobOutcome<number> => ({ kind: "done", result: number });

  test("does each job once and records its result, never more at a time than it has slots", async () => {
    let running = 0;
    let most = 0;
    const seen: number[] = [];
    const handle = async ({ number }: Work): Promise<JobOutcome<number>> => {
      seen.push(number);
      most = Math.max(most, (running += 1));
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return done(number);
    };
    const numbers = Array.from({ length: 20 }, (_, index) => index);
    await enqueue(...numbers);
    await withQueue({ handle, record: recordAs(1), slots: 3 }, () =>
      vi.waitFor(async () => {
        expect(await recorded(1)).toEqual(numbers);
      }, PATIENCE),
    );
    expect(seen.sort((a, b) => a - b)).toEqual(numbers);
    expect(most).toBeLessThanOrEqual(3);
  });

  test("a job of a transaction that was rolled back does not exist", async () => {
    const failed = store.db.transaction().execute(async (trx) => {
      await engine.enqueue(trx, "answers", [{ data: { number: 1 } }]);
      throw new Error("rolled back");
    });
    await expect(failed).rejects.toThrow("rolled back");
    expect(await engine.boss.fetch("answers")).toEqual([]);
  });

  test("a job whose result could not be committed runs again, and is recorded once", async () => {
    let attempts = 0;
    let commits = 0;
    const record = async (trx: StoreTransaction, results: readonly number[]): Promise<void> => {
      await recordAs(2)(trx, results);
      commits += 1;
      if (commits === 1) throw new Error("the database went away");
    };
    const handle = ({ number }: Work): Promise<JobOutcome<number>> => {
      attempts += 1;
      return Promise.resolve(done(number));
    };
    await enqueue(7);
    await withQueue({ handle, record }, () =>
      vi.waitFor(async () => {
        expect(await recorded(2)).toEqual([7]);
      }, PATIENCE),
    );
    expect(attempts).toBe(2);
  });

  test("a job that must wait is queued again and is no failed attempt", async () => {
    let attempts = 0;
    const handle = ({ number }: Work): Promise<JobOutcome<number>> => {
      attempts += 1;
      return Promise.resolve(attempts < 12 ? { kind: "later", seconds: 0 } : done(number));
    };
    await enqueue(3);
    // More often than a failing job may be tried.
    await withQueue({ handle, record: recordAs(3) }, () =>
      vi.waitFor(async () => {
        expect(await recorded(3)).toEqual([3]);
      }, PATIENCE),
    );
    expect(attempts).toBe(12);
  });

  test("dead letters are counted from an index, however many jobs have ended", async () => {
    const db = engine.boss.getDb();
    await db.executeSql(
      `insert into pgboss.job (name, state, data) select 'answers', 'completed', '{}' from generate_series(1, 5000)`,
    );
    await db.executeSql("analyze pgboss.job_common");
    const asked = vi.spyOn(db, "executeSql");
    expect(await engine.countDeadLetters("answers")).toBe(0);
    const [text = "", values] = asked.mock.calls[0] ?? [];
    asked.mockRestore();
    const { rows } = await db.executeSql(`explain ${text}`, values);
    expect(JSON.stringify(rows)).toContain("Index Only Scan");
    await db.executeSql("delete from pgboss.job where state = 'completed'");
  });

  test("a job that failed for good is kept as a dead letter with what it was about", async () => {
    await store.db
      .transaction()
      .execute((trx) => engine.enqueue(trx, "answers", [{ data: { number: 9 }, retryLimit: 0 }]));
    await withQueue({ handle: () => Promise.reject(new Error("a bug")), record: recordAs(4) }, () =>
      vi.waitFor(async () => {
        expect(await engine.deadLetters("answers")).toMatchObject([{ data: { number: 9 } }]);
      }, PATIENCE),
    );
    expect(await recorded(4)).toEqual([]);
    expect(await engine.countDeadLetters("answers")).toBe(1);
    expect(await engine.boss.fetch(deadLetterQueue("answers"))).toHaveLength(1);
  });

  test("a busy node, or a store that takes nothing, loses no job: it is taken up again, and one that failed is not", async () => {
    const db = engine.boss.getDb();
    const put = (number: number): Promise<void> =>
      store.db
        .transaction()
        .execute((trx) => engine.enqueue(trx, "answers", [{ data: { number }, retryLimit: 0 }]));
    await put(60);
    await engine.boss.fetch("answers");
    await db.executeSql(
      "update pgboss.job set heartbeat_on = now() - interval '1 hour' where state = 'active'",
    );
    await engine.boss.supervise("answers");
    await put(61);
    await withQueue({ handle: ({ number }) => Promise.resolve(done(number)), record: refuse }, () =>
      vi.waitFor(async () => {
        expect(await engine.countDeadLetters("answers")).toBe(2);
      }, PATIENCE),
    );
    await put(62);
    await withQueue({ handle: () => Promise.reject(new Error("a bug")), record: recordAs(6) }, () =>
      vi.waitFor(async () => {
        expect(await engine.countDeadLetters("answers")).toBe(3);
      }, PATIENCE),
    );
    expect(await engine.revive("answers")).toBe(2);
    await withQueue({ handle: ({ number }) => Promise.resolve(done(number)), record: recordAs(6) }, () =>
      vi.waitFor(async () => {
        expect(await recorded(6)).toEqual([60, 61]);
      }, PATIENCE),
    );
    expect(await engine.countDeadLetters("answers")).toBe(1);
    expect(await engine.boss.fetch(deadLetterQueue("answers"))).toHaveLength(1);
  });

  test("a job under way when its node stopped is done by the next", async () => {
    let began: () => void = () => undefined;
    const started = new Promise<void>((resolve) => (began = resolve));
    const never = (): Promise<JobOutcome<number>> => {
      began();
      return new Promise(() => undefined);
    };
    await enqueue(5);
    await withQueue({ handle: never, record: recordAs(5) }, () => started);
    if (store.kind === "pglite") {
      // The embedded store has one owner: at its start, whatever was under way is taken up again.
      await engine.stop();
      engine = await startEngine(store, log, HEARTBEAT_SECONDS);
    } else {
      // Other nodes wait until the heartbeats have stopped for too long; here they stopped an hour ago.
      await engine.boss.getDb().executeSql("update pgboss.job set heartbeat_on = now() - interval '1 hour'");
      await engine.boss.supervise("answers");
    }
    await withQueue({ handle: ({ number }) => Promise.resolve(done(number)), record: recordAs(5) }, () =>
      vi.waitFor(async () => {
        expect(await recorded(5)).toEqual([5]);
      }, PATIENCE),
    );
  });

  test("keeps a share of its slots for each chain: a flood on one delays no other", async () => {
    const slots = 16;
    const done: number[] = [];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    await store.db.transaction().execute(async (trx) => {
      const flood = Array.from({ length: 200 }, (_, number) => ({ data: { chainId: 1, number } }));
      await engine.enqueue(trx, "answers", flood);
      await engine.enqueue(
        trx,
        "answers",
        [2, 3].map((chainId) => ({ data: { chainId, number: 0 } })),
      );
    });
    const queue = new JobQueue<Work & { readonly chainId: number }, number>({
      engine,
      store,
      log,
      name: "answers",
      slots,
      groups: 3,
      isReady: () => true,
      handle: async ({ chainId }) => {
        if (chainId === 1) await held;
        else done.push(chainId);
        return { kind: "done", result: chainId };
      },
      record: () => Promise.resolve(),
    });
    await vi.waitFor(() => {
      expect([...done].sort()).toEqual([2, 3]);
      // The two are in flight until their results are recorded.
      expect(queue.inFlight()).toBeLessThan(slots);
    }, PATIENCE);
    expect(queue.inFlight()).toBeGreaterThan(slots / 2);
    release();
    await queue.stop(10_000);
    await engine.boss.deleteQueuedJobs("answers");
  });
});
