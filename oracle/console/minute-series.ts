/** What became of requests, minute by minute: the lines that the console draws. */

import type { RequestSpan, SpanSink } from "../telemetry/request-span.ts";

export interface Minute {
  /** Seconds: its beginning. */
  readonly at: number;
  readonly settled: number;
  /** Refunded and cancelled. */
  readonly ended: number;
  /** Milliseconds from a request's reading to its settlement's; `null` in a minute without any. */
  readonly p50: number | null;
  readonly p95: number | null;
}

interface Counts {
  settled: number;
  ended: number;
  /** Settled requests by bucket of their duration. */
  readonly durations: Map<number, number>;
}

const MINUTE_MS = 60_000;
/** Minutes that are kept, however many requests there were. */
const KEPT = 120;
/** Each bucket ends so many times later than the one before: a quantile is so exact, and there are never many. */
const STEP = 1.05;

export class MinuteSeries implements SpanSink {
  readonly #now: () => number;
  readonly #minutes = new Map<number, Counts>();

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  record({ name, outcome, startMs, endMs }: RequestSpan): void {
    if (name !== "request") return;
    const counts = this.#countsOf(Math.floor(endMs / MINUTE_MS));
    if (outcome !== "fulfilled") {
      counts.ended += 1;
      return;
    }
    counts.settled += 1;
    const bucket = Math.ceil(Math.log(Math.max(1, endMs - startMs)) / Math.log(STEP));
    counts.durations.set(bucket, (counts.durations.get(bucket) ?? 0) + 1);
  }

  /** Oldest first, the minute that runs last; also those in which nothing happened. */
  read(): readonly Minute[] {
    const last = Math.floor(this.#now() / MINUTE_MS);
    return Array.from({ length: KEPT }, (_, index) => {
      const minute = last - KEPT + 1 + index;
      const {
        settled = 0,
        ended = 0,
        durations = new Map<number, number>(),
      } = this.#minutes.get(minute) ?? {};
      return {
        at: minute * 60,
        settled,
        ended,
        p50: quantile(durations, settled, 0.5),
        p95: quantile(durations, settled, 0.95),
      };
    });
  }

  #countsOf(minute: number): Counts {
    const known = this.#minutes.get(minute);
    if (known !== undefined) return known;
    for (const old of this.#minutes.keys()) if (old <= minute - KEPT) this.#minutes.delete(old);
    const fresh: Counts = { settled: 0, ended: 0, durations: new Map() };
    this.#minutes.set(minute, fresh);
    return fresh;
  }
}

/** The end of the bucket in which the quantile lies. */
function quantile(durations: ReadonlyMap<number, number>, total: number, part: number): number | null {
  let below = 0;
  for (const [bucket, count] of [...durations].sort(([a], [b]) => a - b)) {
    below += count;
    if (below >= total * part) return Math.round(STEP ** bucket);
  }
  return null;
}
