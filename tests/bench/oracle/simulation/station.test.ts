import { describe, expect, test } from "vitest";
import { EventClock } from "../../../../bench/oracle/simulation/event-clock.ts";
import { Station } from "../../../../bench/oracle/simulation/station.ts";
import { createRandom } from "../../../support/random.ts";

const SEED = 20_261_130;
const SERVICE_MS = 10;
const ARRIVALS = 200_000;

/** Mean wait, in milliseconds, of Poisson arrivals at one server with constant service. */
function meanWait(use: number): { wait: number; busy: number } {
  const clock = new EventClock();
  const station = new Station(clock, 1);
  const random = createRandom(SEED);
  let [at, waited] = [0, 0];
  for (let arrival = 0; arrival < ARRIVALS; arrival += 1) {
    at += (-Math.log(1 - random()) * SERVICE_MS) / use;
    clock.after(at, () => {
      const arrived = clock.now;
      station.serve(SERVICE_MS, () => {
        waited += clock.now - arrived - SERVICE_MS;
      });
    });
  }
  clock.run(at * 2);
  return { wait: waited / ARRIVALS, busy: station.busyMs };
}

describe("a queue with Poisson arrivals and constant service (M/D/1)", () => {
  test.for([0.3, 0.6, 0.8, 0.9])("waits as Pollaczek and Khinchine say at a use of %d", (use) => {
    const expected = (use * SERVICE_MS) / (2 * (1 - use));
    const { wait, busy } = meanWait(use);
    expect(Math.abs(wait - expected) / expected).toBeLessThan(0.06);
    expect(busy).toBeCloseTo(ARRIVALS * SERVICE_MS, -1);
  });
});

test("serves as many at once as it has servers, first come first", () => {
  const clock = new EventClock();
  const station = new Station(clock, 2);
  const ends: [string, number][] = [];
  for (const [name, ms] of [
    ["a", 10],
    ["b", 30],
    ["c", 10],
    ["d", 10],
  ] as const)
    station.serve(ms, () => ends.push([name, clock.now]));
  expect(station).toMatchObject({ load: 4, waiting: 2 });
  clock.run(100);
  expect(ends).toEqual([
    ["a", 10],
    ["c", 20],
    ["b", 30],
    ["d", 30],
  ]);
  expect(station.busyMs).toBe(30);
});

test("serves its lines in turn: a long one delays no other by more than its turn", () => {
  const clock = new EventClock();
  const station = new Station(clock, 1, 3);
  const served: string[] = [];
  for (let index = 0; index < 100; index += 1) station.serve(1, () => served.push("flood"));
  for (const [name, line] of [
    ["one", 1],
    ["two", 2],
  ] as const)
    station.serve(1, () => served.push(name), line);
  clock.run(5);
  expect(served).toEqual(["flood", "one", "two", "flood", "flood"]);
});

test("keeps the order of a queue that is longer than what it lets go at once", () => {
  const clock = new EventClock();
  const station = new Station(clock, 1);
  const served: number[] = [];
  for (let index = 0; index < 5_000; index += 1) station.serve(1, () => served.push(index));
  clock.run(5_000);
  expect(served).toEqual(Array.from({ length: 5_000 }, (_, index) => index));
});
