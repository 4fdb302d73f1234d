/** The same oracle under 1, 10, 100, 1,000 times the load and more, and in several shapes: what it delivers, and what breaks first. */

import type { MeasuredCosts } from "./costs.ts";
import type { Shape } from "./oracle-model.ts";
import { simulate, type Resource, type SimulatedRun } from "./simulated-run.ts";

/** Times the load; those between the powers of ten make the curves. */
const FACTORS = [1, 3, 10, 30, 100, 200, 300, 500, 1_000, 3_000] as const;

/**
 * Settings of the node by default, one enclave for each node, a database with four cores whose disk flushes 2,000 times a second, a chain with a
 * block of 30 million gas every two seconds of which half is left to the oracle, and an RPC service that takes 200 messages a second.
 */
export const DEFAULT_SHAPE: Shape = {
  ...{ nodes: 1, chains: 1, enclaves: 1, storeCores: 4, storeCommitsPerSecond: 2_000 },
  ...{ slots: 64, keysPerChain: 1, maxInFlight: 64, batch: 100 },
  ...{
    modelMs: 500,
    blockMs: 2_000,
    confirmations: 2,
    pollMs: 2_000,
    gasPerBlock: 15_000_000,
    rpcPerSecond: 200,
  },
};

export interface SweptShape {
  readonly name: string;
  readonly shape: Shape;
}

/** From the defaults on, each larger where the one before broke. */
export const SHAPES: readonly SweptShape[] = [
  { name: "1 node, 1 chain, as installed", shape: DEFAULT_SHAPE },
  { name: "1 node, 1 chain, 1,000 slots", shape: { ...DEFAULT_SHAPE, slots: 1_000 } },
  { name: "3 nodes, 1 chain", shape: { ...DEFAULT_SHAPE, nodes: 3, enclaves: 3, slots: 1_000 } },
  { name: "3 nodes, 3 chains", shape: { ...DEFAULT_SHAPE, nodes: 3, enclaves: 3, chains: 3, slots: 1_000 } },
  {
    name: "10 nodes, 10 chains",
    shape: { ...DEFAULT_SHAPE, nodes: 10, enclaves: 10, chains: 10, slots: 1_000 },
  },
];

export interface SweepPoint extends SimulatedRun {
  /** Times the load. */
  readonly factor: number;
  readonly requestsPerSecond: number;
}

export interface Swept {
  readonly name: string;
  readonly shape: Shape;
  readonly points: readonly SweepPoint[];
  /** The least of the loads under which the queue grew, and why; `null`: none. */
  readonly breaks: { readonly factor: number; readonly at: Resource } | null;
}

export interface SweepOptions {
  readonly seed: number;
  /** Simulated seconds of each run. */
  readonly seconds: number;
  /** What one times the load is. */
  readonly basePerSecond: number;
}

export function sweep(costs: MeasuredCosts, { name, shape }: SweptShape, options: SweepOptions): Swept {
  const points = FACTORS.map((factor) => {
    const requestsPerSecond = factor * options.basePerSecond;
    const { seed, seconds } = options;
    return { factor, requestsPerSecond, ...simulate(costs, shape, { seed, seconds, requestsPerSecond }) };
  });
  const broken = points.find(({ breaksAt }) => breaksAt !== null);
  return {
    name,
    shape,
    points,
    breaks:
      broken === undefined || broken.breaksAt === null
        ? null
        : { factor: broken.factor, at: broken.breaksAt },
  };
}
