import { expect, test } from "vitest";
import { MinuteSeries } from "../../../oracle/console/minute-series.ts";
import type { RequestSpan } from "../../../oracle/telemetry/request-span.ts";

const MINUTE_MS = 60_000;

function spanOf(endMs: number, durationMs: number, change: Partial<RequestSpan> = {}): RequestSpan {
  const plain = {
    name: "request",
    requestId: "0x01",
    chainId: 1,
    outcome: "fulfilled",
    attributes: {},
  } as const;
  return { ...plain, startMs: endMs - durationMs, endMs, ...change };
}

test("each minute has its own count, and its quantiles to a twentieth", () => {
  const now = 200 * MINUTE_MS;
  const series = new MinuteSeries(() => now);
  for (let index = 1; index <= 100; index += 1) series.record(spanOf(now, index * 10));
  series.record(spanOf(now - MINUTE_MS, 5_000));
  const minutes = series.read();
  const last = minutes.at(-1);
  expect(last).toMatchObject({ at: 12_000, settled: 100, ended: 0 });
  expect(last?.p50).toBeGreaterThanOrEqual(500);
  expect(last?.p50).toBeLessThanOrEqual(500 * 1.05);
  expect(last?.p95).toBeGreaterThanOrEqual(950);
  expect(last?.p95).toBeLessThanOrEqual(950 * 1.05);
  expect(minutes.at(-2)).toMatchObject({ settled: 1 });
  expect(minutes.at(-3)).toMatchObject({ settled: 0, p50: null, p95: null });
});

test("what ended without an answer is counted apart, and gives no duration", () => {
  const series = new MinuteSeries(() => MINUTE_MS);
  series.record(spanOf(MINUTE_MS, 10, { outcome: "refunded" }));
  series.record(spanOf(MINUTE_MS, 10, { outcome: "cancelled" }));
  expect(series.read().at(-1)).toMatchObject({ settled: 0, ended: 2, p50: null });
});

test("parts of a request's life are no requests", () => {
  const series = new MinuteSeries(() => MINUTE_MS);
  series.record(spanOf(MINUTE_MS, 10, { name: "enclave.answer", outcome: "ok" }));
  expect(series.read().at(-1)).toMatchObject({ settled: 0, ended: 0 });
});

test("two hours are kept, and what is older is gone", () => {
  let now = MINUTE_MS;
  const series = new MinuteSeries(() => now);
  series.record(spanOf(now, 10));
  now += 119 * MINUTE_MS;
  series.record(spanOf(now, 10));
  expect(series.read()).toHaveLength(120);
  expect(series.read()[0]).toMatchObject({ settled: 1 });
  now += MINUTE_MS;
  series.record(spanOf(now, 10));
  expect(series.read().reduce((total, { settled }) => total + settled, 0)).toBe(2);
});
