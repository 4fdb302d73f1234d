/**
 * One, two, three nodes that share a store on PostgreSQL and serve several chains, asking a model that takes its time: how many answers a
 * second they deliver, and what bounds them on this machine.
 */

import { availableParallelism } from "node:os";
import { ScaleLoad } from "./scale-load.ts";
import { startScaleStage, type ScaleStage, type ScaleStageOptions } from "./scale-stage.ts";
import { cpuBetween, readCpu, type CpuUse } from "./scale-use.ts";
import { StoreCost } from "./store-cost.ts";

/** Seconds from the first answer of every chain: code is compiled, the pipeline is full. */
const WARM_UP_SECONDS = 8;
/** A part of what there is that counts as all of it: measured over a window whose ends cut through work. */
const FULL = 0.9;

export interface ScaleRun {
  readonly nodes: number;
  readonly answersPerSecond: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly cpuSecondsPer1000: CpuUse;
  /** Cores that all of them kept busy. */
  readonly coresBusy: number;
  /** What ended first: the nodes' slots at the model, the machine's cores, or one process's thread. */
  readonly boundBy: string;
}

export interface ScaleOptions extends Omit<ScaleStageOptions, "nodes"> {
  readonly nodeCounts: readonly number[];
  readonly seconds: number;
  /** Requests of each chain that are kept waiting. */
  readonly outstanding: number;
}

export interface Scale {
  readonly nodes: readonly number[];
  readonly answersPerSecond: readonly number[];
  readonly chains: number;
  readonly modelMs: number;
  readonly slotsPerNode: number;
  readonly cores: number;
  readonly runs: readonly ScaleRun[];
}

export async function measureScale(options: ScaleOptions, say: (text: string) => void): Promise<Scale> {
  const runs: ScaleRun[] = [];
  for (const nodes of options.nodeCounts) {
    const stage = await startScaleStage({ ...options, nodes });
    try {
      const run = await measureRun(stage, options);
      say(`scale: ${JSON.stringify(run)}`);
      runs.push(run);
    } finally {
      await stage.stop();
    }
  }
  return {
    nodes: options.nodeCounts,
    answersPerSecond: runs.map(({ answersPerSecond }) => answersPerSecond),
    chains: options.chains,
    modelMs: options.modelMs,
    slotsPerNode: options.slots,
    cores: availableParallelism(),
    runs,
  };
}

async function measureRun(stage: ScaleStage, options: ScaleOptions): Promise<ScaleRun> {
  const load = await ScaleLoad.start(stage.chains, stage.modelName, options.outstanding);
  const store = await StoreCost.open(stage.databaseUrl);
  try {
    await load.warmUp(WARM_UP_SECONDS);
    const before = readCpu(stage, await store.read());
    const { answers, seconds } = await load.keepAsking(options.seconds);
    const after = readCpu(stage, await store.read());
    await load.drain();
    const used = cpuBetween(before, after, (each) => each);
    const coresBusy = Object.values(used).reduce((total, each) => total + each, 0) / seconds;
    const nodes = stage.nodes.length;
    return {
      nodes,
      answersPerSecond: round(answers / seconds, 1),
      lost: load.open,
      duplicated: load.duplicated,
      cpuSecondsPer1000: cpuBetween(before, after, (each) => round((each / answers) * 1_000, 2)),
      coresBusy: round(coresBusy, 2),
      boundBy: findBound({ ...options, used, seconds, coresBusy, nodes, answers }),
    };
  } finally {
    await store.close();
  }
}

interface Measured extends Pick<ScaleOptions, "slots" | "modelMs"> {
  readonly used: CpuUse;
  readonly seconds: number;
  readonly coresBusy: number;
  readonly nodes: number;
  readonly answers: number;
}

function findBound({ used, seconds, coresBusy, nodes, answers, slots, modelMs }: Measured): string {
  const most = (slots * nodes * 1_000) / modelMs;
  const cores = availableParallelism();
  if (answers / seconds >= FULL * most) return `slots at the model: ${most} a second`;
  if (coresBusy >= FULL * cores) return `the machine's ${cores} cores`;
  const threads = { oracle: nodes, enclave: 1, model: 1 } as const;
  const full = Object.entries(threads).find(
    ([kind, count]) => (used[kind as keyof typeof threads] ?? 0) / seconds >= FULL * count,
  );
  return full === undefined ? "none of slots, cores and threads: waiting" : `the thread of ${full[0]}`;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
