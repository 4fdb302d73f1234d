/** One simulated run: what was delivered, how late, and what was used up where the queue grew. */

import type { LaneUse } from "./chain-lane.ts";
import type { MeasuredCosts } from "./costs.ts";
import { OracleModel, type Shape } from "./oracle-model.ts";
import type { Station } from "./station.ts";

export interface Load {
  readonly seed: number;
  readonly requestsPerSecond: number;
  readonly seconds: number;
}

export type Resource =
  | "lease holder's thread"
  | "other nodes' threads"
  | "slots at the model"
  | "enclaves"
  | "store's cores"
  | "store's commits"
  | "block gas"
  | "keys' room in flight"
  | "RPC messages";

export interface SimulatedRun {
  readonly arrived: number;
  readonly delivered: number;
  /** Of those that arrived, not delivered when the time was over. */
  readonly waiting: number;
  readonly deliveredPerSecond: number;
  /** Milliseconds, of those that were delivered after the warm-up. */
  readonly latencyMs: { readonly p50: number; readonly p99: number };
  /** Requests by which what waits grew, a second, in the second half of what is measured. */
  readonly growthPerSecond: number;
  /** The part of each that was in use in the second half: of several alike, of the one that was used most. */
  readonly use: Readonly<Record<Resource, number>>;
  /** What was used up while the queue grew; `null`: it kept up. */
  readonly breaksAt: Resource | null;
}

/** Share of the time that is not measured: queues fill up. */
const WARM_UP = 0.25;
/** A part of the arrivals by which what waits may grow, and still be said to keep up: blocks come in steps, arrivals by chance. */
const KEEPS_UP = 0.02;
/** From here on a resource counts as used up. */
const USED_UP = 0.9;

export function simulate(costs: MeasuredCosts, shape: Shape, load: Load): SimulatedRun {
  const end = load.seconds * 1_000;
  const warm = end * WARM_UP;
  const latencies: number[] = [];
  const model = new OracleModel(costs, shape, {
    seed: load.seed,
    onDelivered: (latencyMs) => {
      if (model.clock.now >= warm) latencies.push(latencyMs);
    },
  });
  model.start(load.requestsPerSecond);
  model.clock.run((warm + end) / 2);
  const waitingAtHalf = model.waiting;
  const usedAtHalf = lookAt(model);
  model.clock.run(end);
  const growth = (model.waiting - waitingAtHalf) / ((end - warm) / 2 / 1_000);
  const use = measureUse(model, usedAtHalf);
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => {
    const sample = latencies[Math.ceil(latencies.length * share) - 1];
    return sample === undefined ? 0 : Math.round(sample);
  };
  const keepsUp = growth <= KEEPS_UP * load.requestsPerSecond + 1;
  return {
    arrived: model.arrived,
    delivered: model.delivered,
    waiting: model.waiting,
    deliveredPerSecond: round(latencies.length / ((end - warm) / 1_000), 2),
    latencyMs: { p50: at(0.5), p99: at(0.99) },
    growthPerSecond: keepsUp ? 0 : round(growth, 1),
    use,
    breaksAt: keepsUp ? null : findBreak(use),
  };
}

interface Used {
  readonly now: number;
  readonly busy: ReadonlyMap<Station, number>;
  readonly lanes: readonly LaneUse[];
}

function lookAt({ clock, nodes, chains, enclaves, store, commits }: OracleModel): Used {
  const stations = [
    ...nodes.flatMap(({ thread, slots }) => [thread, slots]),
    ...chains.map(({ rpc }) => rpc),
    ...enclaves,
    store,
    commits,
  ];
  return {
    now: clock.now,
    busy: new Map(stations.map((station) => [station, station.busyMs])),
    lanes: chains.map(({ lane }) => lane.used),
  };
}

/** Since `before`. */
function measureUse(model: OracleModel, before: Used): SimulatedRun["use"] {
  const { nodes, chains, enclaves, store, commits } = model;
  const after = lookAt(model);
  const most = (stations: readonly Station[]): number => {
    const busy = stations.map((station) => (after.busy.get(station) ?? 0) - (before.busy.get(station) ?? 0));
    return Math.max(0, ...busy) / (after.now - before.now);
  };
  const perBlock = (of: (use: LaneUse) => number): number =>
    Math.max(
      0,
      ...after.lanes.map((lane, index) => {
        const earlier = before.lanes[index] ?? { blocks: 0, fullBlocks: 0, room: 0 };
        return (of(lane) - of(earlier)) / Math.max(1, lane.blocks - earlier.blocks);
      }),
    );
  const holders = new Set(chains.map(({ holder }) => holder));
  const use: SimulatedRun["use"] = {
    "lease holder's thread": most([...holders].map(({ thread }) => thread)),
    "other nodes' threads": most(nodes.filter((node) => !holders.has(node)).map(({ thread }) => thread)),
    "slots at the model": most(nodes.map(({ slots }) => slots)),
    enclaves: most(enclaves),
    "store's cores": most([store]),
    "store's commits": most([commits]),
    "block gas": perBlock(({ fullBlocks }) => fullBlocks),
    "keys' room in flight": perBlock(({ room }) => room),
    "RPC messages": most(chains.map(({ rpc }) => rpc)),
  };
  const rounded = Object.entries(use).map(([name, value]) => [name, round(value, 3)]);
  return Object.fromEntries(rounded) as SimulatedRun["use"];
}

/** Slots are held, and keys' room is taken, by whatever waits for something else: they broke only where nothing else did. */
function findBreak(use: SimulatedRun["use"]): Resource {
  const { "slots at the model": slots, "keys' room in flight": room, ...others } = use;
  const [first] = (Object.entries(others) as [Resource, number][]).toSorted(([, a], [, b]) => b - a);
  if (first !== undefined && first[1] >= USED_UP) return first[0];
  return room >= slots ? "keys' room in flight" : "slots at the model";
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
