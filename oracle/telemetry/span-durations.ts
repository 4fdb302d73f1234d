import type { RequestSpan, SpanSink } from "./request-span.ts";

/** Seconds: upper ends. A local chain settles within the first, a slow model on a slow chain before the last. */
export const DURATION_BUCKETS: readonly number[] = [
  0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900,
];

export interface Durations {
  readonly name: RequestSpan["name"];
  readonly chainId: number;
  readonly outcome: string;
  /** Spans not longer than the bucket of the same place; the last counts all. */
  readonly cumulative: readonly number[];
  readonly sumSeconds: number;
}

interface Counts {
  readonly span: Pick<RequestSpan, "name" | "chainId" | "outcome">;
  readonly counts: number[];
  sumSeconds: number;
}

/** How long things took since the process started, for histograms. */
export class SpanDurations implements SpanSink {
  readonly #counts = new Map<string, Counts>();

  record({ name, chainId, outcome, startMs, endMs }: RequestSpan): void {
    const key = `${name}/${chainId}/${outcome}`;
    const known = this.#counts.get(key) ?? {
      span: { name, chainId, outcome },
      counts: new Array<number>(DURATION_BUCKETS.length + 1).fill(0),
      sumSeconds: 0,
    };
    this.#counts.set(key, known);
    const seconds = Math.max(0, endMs - startMs) / 1_000;
    const bucket = DURATION_BUCKETS.findIndex((end) => seconds <= end);
    const at = bucket === -1 ? DURATION_BUCKETS.length : bucket;
    known.counts[at] = (known.counts[at] ?? 0) + 1;
    known.sumSeconds += seconds;
  }

  read(): readonly Durations[] {
    return [...this.#counts.values()].map(({ span, counts, sumSeconds }) => {
      let total = 0;
      return { ...span, sumSeconds, cumulative: counts.map((count) => (total += count)) };
    });
  }
}
