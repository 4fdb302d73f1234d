import { expect, test } from "vitest";
import { ChainLane } from "../../../../bench/oracle/simulation/chain-lane.ts";
import { EventClock } from "../../../../bench/oracle/simulation/event-clock.ts";

function createLane(change: object = {}): { clock: EventClock; lane: ChainLane; minedAt: number[] } {
  const clock = new EventClock();
  const settings = { blockMs: 1_000, gasPerBlock: 100, gasPerAnswer: 10, batch: 5, maxInFlight: 100 };
  const lane = new ChainLane({ clock, ...settings, ...change });
  const minedAt: number[] = [];
  return { clock, lane, minedAt };
}

function send({ clock, lane, minedAt }: ReturnType<typeof createLane>, count: number): void {
  for (let index = 0; index < count; index += 1) {
    lane.send({
      mined: () => {
        minedAt.push(clock.now);
      },
    });
  }
}

test("puts a request and an answer into the next block", () => {
  const made = createLane();
  let requestedAt = 0;
  made.lane.request(() => {
    requestedAt = made.clock.now;
  });
  send(made, 1);
  made.clock.run(5_000);
  expect(requestedAt).toBe(1_000);
  expect(made.minedAt).toEqual([1_000]);
});

test("mines no more than a block has gas for, in the order of the nonces", () => {
  const made = createLane();
  send(made, 25);
  made.clock.run(1_000);
  expect(made.minedAt).toHaveLength(10);
  expect(made.lane.waiting).toBe(15);
  made.clock.run(3_000);
  expect(made.minedAt).toHaveLength(25);
  // The third had room for more than was left.
  expect(made.lane.used).toMatchObject({ blocks: 3, fullBlocks: 2 });
});

test("sends no more transactions than the keys have room for, and several answers in one when they waited", () => {
  const made = createLane({ maxInFlight: 2, gasPerBlock: 1_000 });
  send(made, 20);
  made.clock.run(1_000);
  // One each at first, since nothing had waited; then five each.
  expect(made.minedAt).toHaveLength(2);
  made.clock.run(2_000);
  expect(made.minedAt).toHaveLength(12);
  // Of two full batches of five: two answers, then ten.
  expect(made.lane.used).toMatchObject({ blocks: 2, fullBlocks: 0, room: 1.2 });
  made.clock.run(3_000);
  expect(made.minedAt).toHaveLength(20);
});
