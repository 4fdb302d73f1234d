/**
 * Ends a process whose one thread does nothing any more. The embedded store runs in that thread, and there are states, such
 * as a full disk under its log, in which it never gives it back: no timer fires, no signal is heard, and nobody is told. So a
 * second thread watches; it ends the process in a way that needs nothing of the first, and whoever supervises it starts it
 * anew. Committed rows are intact.
 */

import { writeSync } from "node:fs";
import { Worker, isMainThread, workerData } from "node:worker_threads";

export interface Watchdog {
  stop(): Promise<void>;
}

interface Watched {
  /** Counts as long as the first thread lives. */
  readonly beats: SharedArrayBuffer;
  /** Milliseconds without a beat, in half of which the process used the processor. */
  readonly limitMs: number;
}

/** Longer than any pause of a healthy node; a store's upkeep takes seconds. */
export const BLOCKED_LIMIT_MS = 60_000;
/** A store that was not closed is brought back from its log in one go, which is no state to end it in. */
export const OPENING_LIMIT_MS = 600_000;
const BEATS_PER_LIMIT = 10;
/** Limits that a thread which uses no processor, since nothing gives it any or it waits for a disk, may stand still. */
const IDLE_LIMITS = 5;
const STDERR = 2;

export function startWatchdog(limitMs: number = BLOCKED_LIMIT_MS): Watchdog {
  const beats = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const counter = new Int32Array(beats);
  const beating = setInterval(() => {
    Atomics.add(counter, 0, 1);
  }, limitMs / BEATS_PER_LIMIT).unref();
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { beats, limitMs } satisfies Watched,
    execArgv: [],
  });
  worker.unref();
  return {
    async stop() {
      clearInterval(beating);
      await worker.terminate();
    },
  };
}

/**
 * What a blocked store does is to spin, so that time is counted as the processor's: on a machine that gives this process little, a
 * store's recovery takes minutes, and ending it would only begin it anew.
 */
function watch({ beats, limitMs }: Watched): void {
  const counter = new Int32Array(beats);
  const turnMs = limitMs / BEATS_PER_LIMIT;
  let last = 0;
  let usedAtLast = usedMs();
  let missed = 0;
  setInterval(() => {
    const now = Atomics.load(counter, 0);
    if (now !== last) {
      [last, usedAtLast, missed] = [now, usedMs(), 0];
      return;
    }
    // Counted by this thread's own turns: a machine that sleeps is no blocked thread.
    missed += 1;
    const isSpinning = missed >= BEATS_PER_LIMIT && usedMs() - usedAtLast >= limitMs / 2;
    if (!isSpinning && missed < IDLE_LIMITS * BEATS_PER_LIMIT) return;
    const line = {
      level: "error",
      event: "oracle.thread-blocked",
      blockedMs: missed * turnMs,
      action: "look at the disk of the store",
    };
    writeSync(STDERR, `${JSON.stringify(line)}\n`);
    process.kill(process.pid, "SIGKILL");
  }, turnMs);
}

/** Of the whole process: its first thread is all that uses any. */
function usedMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

if (!isMainThread && isWatched(workerData)) watch(workerData);

function isWatched(data: unknown): data is Watched {
  return typeof data === "object" && data !== null && "beats" in data && "limitMs" in data;
}
