import { beforeEach, expect, test } from "vitest";
import { drain } from "../../../oracle/engine/drain.ts";
import { createLogger } from "../../../oracle/log.ts";
import type { OpenCounts } from "../../../oracle/store/open-counts.ts";

type Phase = OpenCounts["requests"][number]["phase"];

let now: number;
let lines: Record<string, unknown>[];
let stopped: number[];
let stopQueue: (graceMs: number) => Promise<void>;

beforeEach(() => {
  now = 0;
  lines = [];
  stopped = [];
  stopQueue = (graceMs) => Promise.resolve(void stopped.push(graceMs));
});

function open(phase: Phase, count: number): OpenCounts {
  return { requests: [{ chainId: 1, phase, count }], transactions: [] };
}

/** @param counts what the store says at each look, the last one ever after */
async function drained(...counts: readonly (OpenCounts | Error)[]): Promise<unknown[]> {
  let looks = 0;
  await drain({
    stopQueue,
    countOpen: () => {
      const counted = counts[Math.min(looks, counts.length - 1)];
      looks += 1;
      return counted instanceof Error ? Promise.reject(counted) : Promise.resolve(counted as OpenCounts);
    },
    log: createLogger({
      level: "info",
      write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
      now: () => now,
    }),
    now: () => now,
    wait: (ms) => Promise.resolve(void (now += ms)),
  });
  return lines.map(({ event }) => event);
}

test("takes no more jobs, and ends when every answer is on chain", async () => {
  const events = await drained(open("answered", 2), open("sent", 1), open("asked", 9));
  expect(events).toEqual(["oracle.draining", "oracle.drained"]);
  expect(stopped).toHaveLength(1);
  expect(now).toBe(500);
});

test("ends after two minutes whatever is left, and says how much", async () => {
  const events = await drained(open("sent", 3));
  expect(events).toEqual(["oracle.draining", "oracle.drain-incomplete"]);
  expect(lines.at(-1)).toMatchObject({ level: "error", requests: 3 });
  expect(now).toBe(120_000);
});

test("a store that is away for a moment ends no wait", async () => {
  const events = await drained(open("sent", 1), new Error("the database went away"), open("asked", 1));
  expect(events).toEqual(["oracle.draining", "oracle.drained"]);
  expect(now).toBe(500);
});

test("a store that stays away is said, and ends the node all the same", async () => {
  const events = await drained(open("sent", 1), new Error("the database went away"));
  expect(events).toEqual(["oracle.draining", "oracle.drain-incomplete"]);
  expect(lines.at(-1)).toMatchObject({ requests: 1, error: { message: "the database went away" } });
});

test("a queue that cannot be stopped is said, and what was recorded is waited for", async () => {
  stopQueue = () => Promise.reject(new Error("a bug"));
  const events = await drained(open("sent", 1), open("asked", 1));
  expect(events).toEqual(["oracle.draining", "oracle.drain-failed", "oracle.drained"]);
  expect(lines[1]).toMatchObject({ level: "error", error: { message: "a bug" } });
});
