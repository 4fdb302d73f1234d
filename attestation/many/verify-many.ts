/** Verifies many pieces of evidence on every core. */

import type { Endorsements } from "../endorsements/endorsements.ts";
import type { VerifyOptions } from "../evidence/recognise-evidence.ts";
import { sealVerified } from "../evidence/verified-evidence.ts";
import { checkUnixSeconds } from "../time/unix-time.ts";
import { threadsOf, type Thread, type Threads } from "./threads.ts";
import { verifyBatch, type ManyResult } from "./verify-batch.ts";
import { decodeError, toEndorsementFiles, type FromWorker, type SentResult, type ToWorker } from "./wire.ts";

export interface VerifyManyOptions extends VerifyOptions {
  /** Threads at most beside this one, which does its share; by default one for each further core. 0: none, everything on this thread. */
  readonly workers?: number;
}

/** Pieces that go to a thread at once: enough that the message costs nothing beside the signatures. */
const SHARE = 16;
/** Pieces that this thread takes at once: it hears of the others' results in between, and is not behind with a share at the end. */
const OWN_SHARE = 4;
/** Shares that a thread has at once: the next is there when one ends. */
const SHARES_AHEAD = 2;

/**
 * Verifies each piece of evidence by itself, as `verifyEvidence` does, on this thread and on others, which stay for the next call and
 * keep no process alive. Where the runtime has no threads of Node's, as in a browser, everything is verified on this one.
 *
 * @param pieces each in its own form, as `verifyEvidence` takes it
 * @param endorsements for all of them; pass the same object again, and threads need not read it again
 * @returns one result for each piece, in their order: what is wrong with one says nothing of the others
 * @throws {InputError} `now` is not a time in seconds
 */
export async function verifyMany(
  pieces: readonly Uint8Array[],
  endorsements: Endorsements,
  options: VerifyManyOptions,
): Promise<readonly ManyResult[]> {
  const { now } = options;
  checkUnixSeconds(now);
  const threads = threadsOf(globalThis);
  const most = options.workers ?? (threads?.cores ?? 1) - 1;
  const wanted = Math.min(most, Math.ceil(pieces.length / SHARE) - 1);
  if (threads === null || wanted < 1) return await verifyBatch(pieces, endorsements, { now });
  const results: ManyResult[] = [];
  let next = 0;
  /** The next pieces that nobody has, and where they begin; undefined when there are none. */
  const take = (count: number): readonly [number, readonly Uint8Array[]] | undefined => {
    const start = next;
    next = Math.min(pieces.length, next + count);
    return start < next ? [start, pieces.slice(start, next)] : undefined;
  };
  const keep = (start: number, verified: readonly ManyResult[]): void => {
    for (const [index, result] of verified.entries()) results[start + index] = result;
  };
  const workThere = async (worker: BatchWorker): Promise<void> => {
    for (let share = take(SHARE); share !== undefined; share = take(SHARE))
      keep(share[0], (await worker.verify(share[1], endorsements, now)).map(fromSent));
  };
  const workHere = async (): Promise<void> => {
    for (let share = take(OWN_SHARE); share !== undefined; share = take(OWN_SHARE))
      keep(share[0], await verifyBatch(share[1], endorsements, { now }));
  };
  const workers = workersOf(threads, wanted);
  // Others first: they have their shares before this thread is busy with its own.
  const others = workers.flatMap((worker) =>
    Array.from({ length: SHARES_AHEAD }, async () => {
      await workThere(worker);
    }),
  );
  await Promise.all([...others, workHere()]);
  return results;
}

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
