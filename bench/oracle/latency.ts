/** From the request's transaction to its callback, one after the other. */

import { POLL_MS } from "./processes.ts";
import type { Stack } from "./stack.ts";
import { AnswerCount, createAsker } from "./load.ts";

const WARM_UP = 10;
/** Milliseconds between two looks at the chain: below what is worth telling apart. */
export const WATCH_MS = 2;
const TIMEOUT_MS = 60_000;

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export async function measureLatency(stack: Stack, rounds: number): Promise<Percentiles> {
  const asker = await createAsker(stack);
  const count = await AnswerCount.from(stack);
  const samples: number[] = [];
  for (let round = -WARM_UP; round < rounds; round += 1) {
    await fallOutOfStep(round);
    const started = performance.now();
    await asker.ask(1);
    const answers = count.distinct;
    await watch(async () => {
      await count.update();
      return count.distinct > answers;
    });
    if (round >= 0) samples.push(performance.now() - started);
  }
  return percentiles(samples);
}

/** The golden ratio's fraction: its multiples fall evenly into an interval, however many there are (Weyl). */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * Waits for a part of a polling interval, another one each round. Who asks as soon as an answer is there falls into step with
 * the polls, and a millisecond more or less then decides over a whole interval.
 */
export async function fallOutOfStep(round: number): Promise<void> {
  const part = (((round * GOLDEN) % 1) + 1) % 1;
  await new Promise((resolve) => setTimeout(resolve, part * POLL_MS));
}

/** Looks until `isThere`, or fails. */
export async function watch(isThere: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + TIMEOUT_MS;
  while (!(await isThere())) {
    if (performance.now() > end) throw new Error("no answer came");
    await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
  }
}

export function percentiles(samples: readonly number[]): Percentiles {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number): number => {
    const sample = sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
    return Math.round(sample * 10) / 10;
  };
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
