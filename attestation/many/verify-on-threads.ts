/** A batch on this thread and on others. Loaded where there are threads: a browser has none, and need not have this. */

import type { Endorsements } from "../endorsements/endorsements.ts";
import { sealVerified } from "../evidence/verified-evidence.ts";
import type { UnixSeconds } from "../time/unix-time.ts";
import type { Thread, Threads } from "./threads.ts";
import { SHARE, verifyBatch, type ManyResult } from "./verify-batch.ts";
import { decodeError, toEndorsementFiles, type FromWorker, type SentResult, type ToWorker } from "./wire.ts";

/** Pieces that this thread takes at once: it hears of the others' results in between, and is not behind with a share at the end. */
const OWN_SHARE = 4;
/** Shares that a thread has at once: the next is there when one ends. */
const SHARES_AHEAD = 2;

interface Batch {
  readonly pieces: readonly Uint8Array[];
  readonly endorsements: Endorsements;
  readonly now: UnixSeconds;
}

/** @param wanted threads beside this one, at least one */
export async function verifyOnThreads(
  { pieces, endorsements, now }: Batch,
  threads: Threads,
  wanted: number,
): Promise<readonly ManyResult[]> {
  const results: ManyResult[] = [];
  let next = 0;
  /** Takes `count` pieces that nobody has until there are none. */
  const work = async (count: number, verify: Verify): Promise<void> => {
    while (next < pieces.length) {
      const start = next;
      next += count;
      const verified = await verify(pieces.slice(start, next), endorsements, now);
      for (const [index, result] of verified.entries()) results[start + index] = result;
    }
  };
  // Others first: they have their shares before this thread is busy with its own.
  const others = workersOf(threads, wanted).flatMap((worker) =>
    Array.from({ length: SHARES_AHEAD }, async () => {
      await work(SHARE, async (...share) => (await worker.verify(...share)).map(fromSent));
    }),
  );
  const own = work(OWN_SHARE, async (share) => await verifyBatch(share, endorsements, { now }));
  await Promise.all([...others, own]);
  return results;
}

type Verify = (...share: Parameters<BatchWorker["verify"]>) => Promise<readonly ManyResult[]>;

/** Our own thread verified it, with this code: it is sealed here as there. */
function fromSent(result: SentResult): ManyResult {
  if (!result.ok) return { ok: false, error: decodeError(result.error) };
  return { ok: true, evidence: sealVerified(result.findings) };
}

const pool: BatchWorker[] = [];

function workersOf(threads: Threads, count: number): readonly BatchWorker[] {
  while (pool.length < count) {
    const worker = new BatchWorker(threads, () => {
      if (pool.includes(worker)) pool.splice(pool.indexOf(worker), 1);
    });
    pool.push(worker);
  }
  return pool.slice(0, count);
}

/** Sources are TypeScript, and what is published is JavaScript: a thread starts from the file beside this one. */
const WORKER_FILE = import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js";

interface Waiting {
  readonly resolve: (results: readonly SentResult[]) => void;
  readonly reject: (reason: Error) => void;
}

class BatchWorker {
  readonly #thread: Thread;
  readonly #waiting = new Map<number, Waiting>();
  /** The endorsements that the thread has: a batch uses one set, so another is seldom sent. */
  #sent: Endorsements | undefined;
  #last = 0;

  constructor({ Worker }: Threads, onEnd: () => void) {
    this.#thread = new Worker(new URL(WORKER_FILE, import.meta.url));
    this.#thread.unref();
    this.#thread.on("message", ({ task, results }: FromWorker) => {
      const waiting = this.#waiting.get(task);
      this.#waiting.delete(task);
      if (this.#waiting.size === 0) this.#thread.unref();
      waiting?.resolve(results);
    });
    // A thread that ends answers nothing more: what it had is neither genuine nor not, and its caller is told.
    const end = (reason: Error): void => {
      onEnd();
      for (const { reject } of this.#waiting.values()) reject(reason);
      this.#waiting.clear();
    };
    this.#thread.on("error", end);
    this.#thread.on("exit", (code) => {
      end(new Error(`a verifying thread ended with ${code}`));
    });
  }

  async verify(
    pieces: readonly Uint8Array[],
    endorsements: Endorsements,
    now: number,
  ): Promise<readonly SentResult[]> {
    if (this.#sent !== endorsements) {
      this.#sent = endorsements;
      this.#thread.postMessage({ endorsements: toEndorsementFiles(endorsements) } satisfies ToWorker);
    }
    const task = ++this.#last;
    const answered = new Promise<readonly SentResult[]>((resolve, reject) => {
      this.#waiting.set(task, { resolve, reject });
    });
    this.#thread.ref();
    this.#thread.postMessage({ task, pieces, now } satisfies ToWorker);
    return await answered;
  }
}
