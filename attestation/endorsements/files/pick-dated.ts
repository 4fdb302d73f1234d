import type { TimeWindow, UnixSeconds } from "../../time/unix-time.ts";

export interface DatedCandidate<T> {
  readonly value: T;
  readonly window: TimeWindow;
}

/**
 * The newest of those in date at `now`. When none is, the newest of those that began, or the first to begin: whoever
 * verifies then says what is wrong with it, by name and date.
 */
export function pickDated<T>(candidates: readonly DatedCandidate<T>[], now: UnixSeconds): T | undefined {
  const begun = candidates.filter(({ window }) => window.from <= now);
  const current = begun.filter(({ window }) => now <= window.until);
  const newest = (among: readonly DatedCandidate<T>[]): DatedCandidate<T> | undefined =>
    among.toSorted((a, b) => b.window.from - a.window.from)[0];
  const earliest = candidates.toSorted((a, b) => a.window.from - b.window.from)[0];
  return (newest(current) ?? newest(begun) ?? earliest)?.value;
}
