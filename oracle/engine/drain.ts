import type { Logger } from "../log.ts";
import type { OpenCounts } from "../store/open-counts.ts";

export interface DrainOptions {
  /** Takes no more jobs, and waits at most so many milliseconds for those under way. */
  readonly stopQueue: (graceMs: number) => Promise<void>;
  readonly countOpen: () => Promise<OpenCounts>;
  readonly log: Logger;
  /** Milliseconds. */
  readonly now: () => number;
  readonly wait: (ms: number) => Promise<void>;
}

/** Longest wait for answers under way, and then for transactions in flight. */
const DRAIN_MS = 120_000;
const POLL_MS = 250;

/**
 * Takes no more jobs, and waits until what was recorded is on chain, or too long. The log says which; of two failures it says
 * what they were. Never rejects: whoever drains a node wants it to end, and the next one finds everything in the store.
 */
export async function drain(options: DrainOptions): Promise<void> {
  const { stopQueue, log } = options;
  log.info("oracle.draining", {});
  try {
    await stopQueue(DRAIN_MS);
  } catch (error) {
    log.error("oracle.drain-failed", { error });
  }
  await untilSettled(options);
}

async function untilSettled({ countOpen, log, now, wait }: DrainOptions): Promise<void> {
  const end = now() + DRAIN_MS;
  let failure: unknown;
  let waiting: number | undefined;
  do {
    try {
      waiting = countWaiting(await countOpen());
      failure = undefined;
    } catch (error) {
      // A database that is away for a moment ends no wait.
      failure = error;
    }
    if (failure === undefined && waiting === 0) {
      log.info("oracle.drained", {});
      return;
    }
    await wait(POLL_MS);
  } while (now() < end);
  log.error("oracle.drain-incomplete", { requests: waiting, error: failure });
}

/** Requests whose answer is here and not settled. */
function countWaiting({ requests }: OpenCounts): number {
  return requests
    .filter(({ phase }) => phase === "answered" || phase === "sent")
    .reduce((sum, { count }) => sum + count, 0);
}
