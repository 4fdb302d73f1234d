import { describe, expect, test } from "vitest";
import type { MeasuredCosts } from "../../../../bench/oracle/simulation/costs.ts";
import type { Shape } from "../../../../bench/oracle/simulation/oracle-model.ts";
import { simulate, type SimulatedRun } from "../../../../bench/oracle/simulation/simulated-run.ts";
import { ROUND_COSTS, WIDE } from "./costs.ts";

const SEED = 11;
const SECONDS = 30;

function run(
  requestsPerSecond: number,
  change: Partial<Shape> = {},
  costs: MeasuredCosts = ROUND_COSTS,
): SimulatedRun {
  return simulate(costs, { ...WIDE, ...change }, { seed: SEED, seconds: SECONDS, requestsPerSecond });
}

function costing(factor: number): MeasuredCosts {
  const each = Object.entries(ROUND_COSTS.msPerAnswer).map(([step, ms]) => [step, ms * factor]);
  return { ...ROUND_COSTS, msPerAnswer: Object.fromEntries(each) as MeasuredCosts["msPerAnswer"] };
}

test.for([1, 100, 1_000, 3_000])("loses no request and makes none, at %d a second", (perSecond) => {
  const { arrived, delivered, waiting } = run(perSecond, { nodes: 3, chains: 2 });
  expect(arrived).toBe(delivered + waiting);
  expect(Math.abs(arrived - perSecond * SECONDS)).toBeLessThan(5 * Math.sqrt(perSecond * SECONDS));
});

test("is the same for the same seed, and not for another one", () => {
  const load = { seconds: SECONDS, requestsPerSecond: 50 };
  const first = simulate(ROUND_COSTS, WIDE, { ...load, seed: 1 });
  expect(simulate(ROUND_COSTS, WIDE, { ...load, seed: 1 })).toEqual(first);
  expect(simulate(ROUND_COSTS, WIDE, { ...load, seed: 2 }).arrived).not.toBe(first.arrived);
});

test("takes the model's time and the chain's where nothing is used up", () => {
  const { latencyMs, breaksAt, deliveredPerSecond } = run(1);
  // On average half a block until the request is in one, and the answer in the block after the model's half second.
  expect(latencyMs.p50).toBeGreaterThan(1_000);
  expect(latencyMs.p99).toBeLessThan(2_100);
  expect(breaksAt).toBeNull();
  expect(deliveredPerSecond).toBeGreaterThan(0.5);
});

test("waits for confirmations, and is as fast", () => {
  const [none, three] = [run(20), run(20, { confirmations: 3 })];
  expect(Math.abs(three.latencyMs.p50 - none.latencyMs.p50 - 3_000)).toBeLessThan(100);
  expect(three.breaksAt).toBeNull();
});

test("delivers as much as one thread has time for, and half of it when everything costs twice", () => {
  const once = run(1_000);
  const twice = run(1_000, {}, costing(2));
  // 2 ms of one thread for an answer.
  expect(once.deliveredPerSecond).toBeGreaterThan(450);
  expect(once.deliveredPerSecond).toBeLessThan(525);
  expect(once.deliveredPerSecond / twice.deliveredPerSecond).toBeCloseTo(2, 1);
  expect(once.growthPerSecond).toBeGreaterThan(450);
});

test("delivers twice as much with twice the nodes, where each has a chain", () => {
  const one = run(2_500);
  const two = run(2_500, { nodes: 2, chains: 2 });
  expect(two.deliveredPerSecond / one.deliveredPerSecond).toBeGreaterThan(1.9);
  expect(two.deliveredPerSecond / one.deliveredPerSecond).toBeLessThan(2.1);
});

describe("says what is used up first", () => {
  test.for<[SimulatedRun["breaksAt"], number, Partial<Shape>]>([
    [null, 300, {}],
    ["lease holder's thread", 1_000, {}],
    ["slots at the model", 300, { slots: 64 }],
    ["enclaves", 1_500, { nodes: 4, chains: 4, enclaves: 1 }],
    ["store's cores", 1_500, { nodes: 4, chains: 4, storeCores: 1 }],
    ["store's commits", 300, { storeCommitsPerSecond: 200 }],
    ["block gas", 300, { gasPerBlock: 4_000_000 }],
    ["keys' room in flight", 300, { keysPerChain: 1, maxInFlight: 1 }],
    ["RPC messages", 300, { rpcPerSecond: 100 }],
  ])("%s, at %d a second", ([expected, perSecond, change]) => {
    const found = run(perSecond, change);
    expect(found.breaksAt).toBe(expected);
    expect(found.growthPerSecond > 0).toBe(expected !== null);
  });
});

test("polling many chains leaves a node less time for work", () => {
  const polling = { ...ROUND_COSTS, idleMsPerSecond: { ...ROUND_COSTS.idleMsPerSecond, node: 50 } };
  const still = run(1_000, { chains: 10 });
  const busy = run(1_000, { chains: 10 }, polling);
  expect(busy.deliveredPerSecond / still.deliveredPerSecond).toBeCloseTo(0.5, 1);
  const seldom = run(1_000, { chains: 10, pollMs: 500 }, polling);
  expect(seldom.deliveredPerSecond / still.deliveredPerSecond).toBeCloseTo(0.95, 1);
});
