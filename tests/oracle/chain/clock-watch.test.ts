import { expect, test } from "vitest";
import { ClockWatch } from "../../../oracle/chain/clock-watch.ts";
import { createLogger } from "../../../oracle/log.ts";
import { word } from "../support/requests.ts";

const BLOCK_SECONDS = 12;

/** Sees blocks whose chain's clock is `ahead` seconds behind ours, each `late` seconds after it was made. */
function watch(ahead: number, late: readonly number[]): { clock: ClockWatch; said: string[] } {
  const said: string[] = [];
  let now = 0;
  const clock = new ClockWatch({
    chainId: 1,
    log: createLogger({
      level: "info",
      write: (line) => said.push((JSON.parse(line) as { event: string }).event),
      now: () => 0,
    }),
    now: () => now,
  });
  late.forEach((seconds, index) => {
    const timestamp = 1_700_000_000 + index * BLOCK_SECONDS;
    now = (timestamp + ahead + seconds) * 1_000;
    clock.note({ number: index, hash: word(index + 1), parentHash: word(index), timestamp });
    clock.note({ number: index, hash: word(index + 1), parentHash: word(index), timestamp });
  });
  return { clock, said };
}

test.for([
  ["that is right", 0, false],
  ["that is ahead by minutes", 300, true],
  ["that is behind by minutes", -300, true],
] as const)("a clock %s is told by the blocks that come", ([, ahead, isSkewed]) => {
  const { clock, said } = watch(ahead, [0, 2, 1, 3]);
  expect(clock.isSkewed).toBe(isSkewed);
  expect(said).toEqual(isSkewed ? ["clock.skewed"] : []);
});

test("an old block, and one that came late, say nothing of the clock", () => {
  expect(watch(0, [86_400]).clock.skewSeconds).toBeUndefined();
  expect(watch(0, [86_400, 1, 400, 2]).clock.isSkewed).toBe(false);
});
