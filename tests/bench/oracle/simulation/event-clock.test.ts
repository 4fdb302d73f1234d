import { expect, test } from "vitest";
import { EventClock } from "../../../../bench/oracle/simulation/event-clock.ts";
import { createRandom } from "../../../support/random.ts";

const SEED = 7;

test("lets everything happen in the order of its time, and what is of one time in the order in which it was said", () => {
  const clock = new EventClock();
  const random = createRandom(SEED);
  const happened: { at: number; order: number }[] = [];
  for (let order = 0; order < 2_000; order += 1) {
    const at = Math.floor(random() * 100);
    clock.after(at, () => {
      expect(clock.now).toBe(at);
      happened.push({ at, order });
    });
  }
  clock.run(100);
  expect(happened).toHaveLength(2_000);
  expect(happened).toEqual(happened.toSorted((a, b) => a.at - b.at || a.order - b.order));
});

test("leaves alone what is due after the end, until then", () => {
  const clock = new EventClock();
  const happened: number[] = [];
  for (const at of [10, 11]) clock.after(at, () => happened.push(at));
  clock.run(10);
  expect(happened).toEqual([10]);
  expect(clock.now).toBe(10);
  clock.run(20);
  expect(happened).toEqual([10, 11]);
});
