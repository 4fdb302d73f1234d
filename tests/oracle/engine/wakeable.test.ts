import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Wakeable } from "../../../oracle/engine/wakeable.ts";

const PERIOD_MS = 100;

let loop: Wakeable;
let startedAt: number[];
let stepMs: number;
let isMore: boolean;

function start(): void {
  loop = new Wakeable(PERIOD_MS, async () => {
    startedAt.push(performance.now());
    if (stepMs > 0) await new Promise((resolve) => setTimeout(resolve, stepMs));
    return isMore;
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  [startedAt, stepMs, isMore] = [[], 0, false];
});

afterEach(async () => {
  const stopped = loop.stop();
  await vi.runAllTimersAsync();
  await stopped;
  vi.useRealTimers();
});

/** Milliseconds between the steps that begin within `ms`. */
async function periods(ms: number): Promise<number[]> {
  await vi.advanceTimersByTimeAsync(ms);
  return startedAt.slice(1).map((at, index) => at - (startedAt[index] ?? 0));
}

test.for([
  ["at once", 0, PERIOD_MS],
  ["within the period", 30, PERIOD_MS],
  ["after more than half of it", 80, 80 + PERIOD_MS / 2],
  ["after more than all of it", 400, 400 + PERIOD_MS / 2],
] as const)("a step that ends %s is followed by the next in time", async ([, duration, period]) => {
  stepMs = duration;
  start();
  const seen = await periods(4 * period);
  expect(seen.length).toBeGreaterThanOrEqual(3);
  expect(new Set(seen)).toEqual(new Set([period]));
});

test("one that says there is more, and a call, are followed at once", async () => {
  isMore = true;
  stepMs = 10;
  start();
  expect(await periods(30)).toEqual([10, 10, 10]);
  isMore = false;
  await vi.advanceTimersByTimeAsync(25);
  const before = startedAt.length;
  loop.wake();
  await vi.advanceTimersByTimeAsync(0);
  expect(startedAt).toHaveLength(before + 1);
});
