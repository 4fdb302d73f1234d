/**
 * One, two, three nodes that share a store on PostgreSQL and serve several chains, asking a model that takes its time: how many answers a
 * second they deliver, and what bounds them on this machine.
 */

import { availableParallelism } from "node:os";
import { AnswerCount, createAsker, type Asker, type AskedStack } from "./load.ts";
import { cpuSeconds } from "./process-cost.ts";
import { startScaleStage, type ScaleStage, type ScaleStageOptions } from "./scale-stage.ts";
import { StoreCost } from "./store-cost.ts";

/** Seconds from the first answer of every chain: code is compiled, the pipeline is full. */
const WARM_UP_SECONDS = 8;
/** Requests of one transaction. */
const PER_TRANSACTION = 50;
const TICK_MS = 100;
/** Milliseconds for what is under way when the asking ends. */
const DRAIN_MS = 60_000;
/** Milliseconds: admissions, and compiling, on a machine that starts everything at once. */
const FIRST_ANSWERS_MS = 120_000;
/** A part of what there is that counts as all of it: measured over a window whose ends cut through work. */
const FULL = 0.9;

/** Kinds of processes that share the machine. */
type Kind = "oracle" | "enclave" | "model" | "anvil" | "postgres" | "bench";

export interface ScaleRun {
  readonly nodes: number;
  readonly answersPerSecond: number;
  readonly lost: number;
  readonly duplicated: number;
  /** Of all nodes together, and so on; absent for a PostgreSQL on another machine. */
  readonly cpuSecondsPer1000: Readonly<Partial<Record<Kind, number>>>;
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
  const loads = await Promise.all(
    stage.chains.map((chain) => ChainLoad.start(chain, stage.modelName, options.outstanding)),
  );
  const store = await StoreCost.open(stage.databaseUrl);
  try {
    await keepAsking(loads, FIRST_ANSWERS_MS, () => loads.every(({ answers }) => answers > 0));
    await keepAsking(loads, WARM_UP_SECONDS * 1_000);
    const before = await readUse(stage, store);
    const began = { time: performance.now(), answers: answersOf(loads) };
    await keepAsking(loads, options.seconds * 1_000);
    const seconds = (performance.now() - began.time) / 1_000;
    const answers = answersOf(loads) - began.answers;
    const used = difference(before, await readUse(stage, store));
    await drain(loads);
    const sum = (of: (load: ChainLoad) => number): number =>
      loads.reduce((total, load) => total + of(load), 0);
    const coresBusy = Object.values(used).reduce((total, each) => total + each, 0) / seconds;
    return {
      nodes: stage.nodes.length,
      answersPerSecond: round(answers / seconds, 1),
      lost: sum(({ lost }) => lost),
      duplicated: sum(({ duplicated }) => duplicated),
      cpuSecondsPer1000: Object.fromEntries(
        Object.entries(used).map(([kind, each]) => [kind, round((each / answers) * 1_000, 2)]),
      ),
      coresBusy: round(coresBusy, 2),
      boundBy: findBound({ ...options, used, seconds, coresBusy, nodes: stage.nodes.length, answers }),
    };
  } finally {
    await store.close();
  }
}

type Used = Readonly<Partial<Record<Kind, number>>>;

interface Measured extends Pick<ScaleOptions, "slots" | "modelMs"> {
  readonly used: Used;
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

/** Requests of one chain, so many of them waiting. */
class ChainLoad {
  readonly #asker: Asker;
  readonly #count: AnswerCount;
  readonly #outstanding: number;
  #asked = 0;

  private constructor(asker: Asker, count: AnswerCount, outstanding: number) {
    this.#asker = asker;
    this.#count = count;
    this.#outstanding = outstanding;
  }

  static async start(chain: AskedStack, model: string, outstanding: number): Promise<ChainLoad> {
    return new ChainLoad(await createAsker(chain, model), await AnswerCount.from(chain), outstanding);
  }

  get answers(): number {
    return this.#count.distinct;
  }

  get lost(): number {
    return this.#asked - this.#count.distinct;
  }

  get duplicated(): number {
    return this.#count.duplicated;
  }

  update(): Promise<void> {
    return this.#count.update();
  }

  async refill(): Promise<void> {
    await this.update();
    for (; this.lost + PER_TRANSACTION <= this.#outstanding; this.#asked += PER_TRANSACTION)
      await this.#asker.ask(PER_TRANSACTION);
  }
}

function answersOf(loads: readonly ChainLoad[]): number {
  return loads.reduce((sum, { answers }) => sum + answers, 0);
}

/** For so long, or until `isEnough`; where that is asked for and does not come, fails. */
async function keepAsking(loads: readonly ChainLoad[], ms: number, isEnough?: () => boolean): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    await Promise.all(loads.map((load) => load.refill()));
    if (isEnough?.() === true) return;
    await pause();
  }
  if (isEnough !== undefined) throw new Error("a chain had no answer");
}

async function drain(loads: readonly ChainLoad[]): Promise<void> {
  const end = performance.now() + DRAIN_MS;
  while (loads.some(({ lost }) => lost > 0) && performance.now() < end) {
    await Promise.all(loads.map((load) => load.update()));
    await pause();
  }
}

async function readUse({ nodes, chains, enclave, model }: ScaleStage, store: StoreCost): Promise<Used> {
  const of = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const { cpuSeconds: postgres } = await store.read();
  return {
    oracle: of(nodes.map(({ pid }) => pid)),
    enclave: of([enclave.pid]),
    model: of([model.pid]),
    anvil: of(chains.map(({ chain }) => chain.anvil.pid)),
    ...(postgres === undefined ? {} : { postgres }),
    bench: of([process.pid]),
  };
}

function difference(before: Used, after: Used): Used {
  return Object.fromEntries(
    Object.entries(after).map(([kind, used]) => [kind, used - (before[kind as Kind] ?? 0)]),
  );
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, TICK_MS));
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
