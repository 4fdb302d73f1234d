import { getEventListeners } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { withDeadline } from "../../../oracle/engine/deadline.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** As Node's HTTP client ends: with an error of its own. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => {
      reject(new Error("aborted"));
    });
  });
}

test("work that ends in time gives its result, and leaves neither a timer nor a listener", async () => {
  const outer = new AbortController();
  expect(await withDeadline(1_000, () => Promise.resolve("done"), outer.signal)).toBe("done");
  expect(vi.getTimerCount()).toBe(0);
  expect(getEventListeners(outer.signal, "abort")).toEqual([]);
});

test("work that fails in time fails with its own error, and leaves neither a timer nor a listener", async () => {
  const outer = new AbortController();
  const failing = withDeadline(1_000, () => Promise.reject(new RangeError("too long")), outer.signal);
  await expect(failing).rejects.toThrow(RangeError);
  expect(vi.getTimerCount()).toBe(0);
  expect(getEventListeners(outer.signal, "abort")).toEqual([]);
});

test("work that is not done in time ends with a TimeoutError, whatever it makes of the signal", async () => {
  const late = withDeadline(1_000, untilAborted);
  vi.advanceTimersByTime(999);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(1);
  await expect(late).rejects.toMatchObject({ name: "TimeoutError" });
});

test("an outer signal ends the work with its reason, also one that fired before", async () => {
  const outer = new AbortController();
  const stopped = withDeadline(1_000, untilAborted, outer.signal);
  outer.abort(new Error("the node stops"));
  await expect(stopped).rejects.toThrow("the node stops");
  expect(vi.getTimerCount()).toBe(0);
  const work = vi.fn(untilAborted);
  await expect(withDeadline(1_000, work, outer.signal)).rejects.toThrow("the node stops");
  expect(work).not.toHaveBeenCalled();
});
