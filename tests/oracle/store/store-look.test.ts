import { afterEach, beforeEach, expect, test } from "vitest";
import { createLogger, type Logger, type LogLevel } from "../../../oracle/log.ts";
import { StoreLook } from "../../../oracle/store/store-look.ts";

const SAYS = { away: "store.not-writable", back: "store.writable", action: "look" } as const;
const AWAY = Object.assign(new Error("the database system is shutting down"), { code: "57P01" });

let time: number;
let isAway: boolean;
let said: { level: LogLevel; event: string; secondsAway?: number }[];
let log: Logger;
let store: StoreLook;

beforeEach(() => {
  time = 1_000;
  isAway = false;
  said = [];
  log = createLogger({
    level: "info",
    write: (line) => said.push(JSON.parse(line) as (typeof said)[number]),
    now: () => time,
  });
  const look = (): Promise<void> => (isAway ? Promise.reject(AWAY) : Promise.resolve());
  store = new StoreLook({ look, log, now: () => time, says: SAYS });
});

afterEach(() => store.stop());

const events = (): string[] => said.map(({ event }) => event);

test("says once that the store is away, and once that it is back, with how long that was", async () => {
  await store.look();
  isAway = true;
  for (let look = 0; look < 5; look += 1) {
    await store.look();
    time += 5_000;
  }
  expect(store.state).toMatchObject({ isWell: false, failures: 5, failure: AWAY });
  isAway = false;
  await store.look();
  await store.look();
  expect(events()).toEqual(["store.not-writable", "store.writable"]);
  expect(said.at(-1)).toMatchObject({ level: "info", secondsAway: 25 });
  expect(store.state).toMatchObject({ isWell: true, failures: 5, failure: undefined });
});

test("has one line for all the steps that fail while it is away, whoever notices first", async () => {
  isAway = true;
  const quiet = store.quieten(log).with({ chainId: 1 });
  for (let step = 0; step < 10; step += 1) {
    quiet.warn("transmitter.step-failed", { error: AWAY });
    quiet.error("queue.commit-failed", { error: AWAY });
  }
  await store.look();
  expect(events()).toEqual(["store.not-writable"]);
});

test("says again what goes away again", async () => {
  for (const away of [true, false, true, false]) {
    isAway = away;
    await store.look();
  }
  expect(events()).toEqual(["store.not-writable", "store.writable", "store.not-writable", "store.writable"]);
});

test.for<[string, Record<string, unknown>]>([
  ["a bug", { error: new TypeError("no") }],
  ["a statement that is wrong", { error: Object.assign(new Error("no"), { code: "42703" }) }],
  ["what has no error", { lease: "chain:1" }],
])("passes on %s, also while the store is away", async ([, fields]) => {
  isAway = true;
  await store.look();
  store.quieten(log).warn("something.failed", fields);
  expect(events()).toEqual(["store.not-writable", "something.failed"]);
});
