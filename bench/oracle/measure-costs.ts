/**
 * What one answer costs each process, measured on real ones: one node on PostgreSQL, one chain, a quick model. Processor time under
 * load, less what the same processes use when nobody asks; the node's own is told apart by a profile.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { POLL_MS } from "./processes.ts";
import { readProfile, stepShares } from "./profile-steps.ts";
import { ScaleLoad } from "./scale-load.ts";
import { startScaleStage, type ScaleStage } from "./scale-stage.ts";
import { cpuBetween, readCpu, type CpuUse } from "./scale-use.ts";
import { MeasuredCosts } from "./simulation/costs.ts";
import { StoreCost, type StoreUse } from "./store-cost.ts";

const WARM_UP_SECONDS = 5;
const IDLE_SECONDS = 10;
/** A model so quick that the slots of the default bound nothing: 640 a second. Its time costs nobody's processor. */
const SLOTS = 64;
const MODEL_MS = 100;
const OUTSTANDING = 1_000;
/** Lines of the node's log that say why something was not answered. */
const SHOWN_LINES = 10;

export interface CostOptions {
  readonly postgres: string;
  readonly seconds: number;
  /** Today, as the figures are dated. */
  readonly date: string;
}

interface Window {
  readonly seconds: number;
  readonly answers: number;
  readonly cpu: CpuUse;
  readonly commits: number;
  readonly walBytes: number;
  readonly exchanges: number;
}

export async function measureCosts({ postgres, seconds, date }: CostOptions): Promise<MeasuredCosts> {
  const profileFolder = mkdtempSync(join(tmpdir(), "adyton-profile-"));
  const stage = await startScaleStage({
    ...{ postgres, profileFolder, nodes: 1, chains: 1, modelMs: MODEL_MS, slots: SLOTS },
  });
  let windows: { readonly loaded: Window; readonly idle: Window };
  let settled: { readonly gasPerAnswer: number; readonly answersPerTransaction: number };
  try {
    windows = await measureWindows(stage, seconds);
    settled = await readSettlements(stage);
  } finally {
    await stage.stop();
  }
  const shares = stepShares(readProfile(profileFolder));
  rmSync(profileFolder, { recursive: true });
  const { loaded, idle } = windows;
  const perAnswer = (of: (window: Window) => number | undefined): number => {
    const [busy, rest] = [of(loaded) ?? 0, ((of(idle) ?? 0) / idle.seconds) * loaded.seconds];
    return round(Math.max(0, busy - rest) / loaded.answers, 4);
  };
  const idleMs = (kind: keyof CpuUse): number => round(((idle.cpu[kind] ?? 0) / idle.seconds) * 1_000, 2);
  const nodeMs = perAnswer(({ cpu }) => cpu.oracle) * 1_000;
  return MeasuredCosts.parse({
    source: `npm run bench:oracle -- --only costs, ${date}, ${availableParallelism()} cores of ${cpus()[0]?.model.trim() ?? "an unknown processor"}, ${round(loaded.answers / loaded.seconds, 0)} answers a second`,
    msPerAnswer: {
      follow: round(nodeMs * shares.follow, 3),
      ask: round(nodeMs * shares.ask, 3),
      send: round(nodeMs * shares.send, 3),
      enclave: round(perAnswer(({ cpu }) => cpu.enclave) * 1_000, 3),
      store: round(perAnswer(({ cpu }) => cpu.postgres) * 1_000, 3),
      rpc: round(perAnswer(({ cpu }) => cpu.anvil) * 1_000, 3),
    },
    idlePollMs: POLL_MS,
    idleMsPerSecond: { node: idleMs("oracle"), store: idleMs("postgres"), rpc: idleMs("anvil") },
    rpcExchangesPerAnswer: perAnswer(({ exchanges }) => exchanges),
    rpcExchangesPerSecondIdle: round(idle.exchanges / idle.seconds, 2),
    commitsPerAnswer: perAnswer(({ commits }) => commits),
    walBytesPerAnswer: Math.round(perAnswer(({ walBytes }) => walBytes)),
    ...settled,
  });
}

async function measureWindows(
  stage: ScaleStage,
  seconds: number,
): Promise<{ readonly loaded: Window; readonly idle: Window }> {
  const load = await ScaleLoad.start(stage.chains, stage.modelName, OUTSTANDING);
  const store = await StoreCost.open(stage.databaseUrl);
  try {
    await load.warmUp(WARM_UP_SECONDS);
    const loaded = await measureWindow(stage, store, () => load.keepAsking(seconds));
    await load.drain();
    // Figures are made of what was answered; what still waits would be worked on while nobody is to ask.
    if (load.open > 0) throw new Error(describeOpen(load.open, stage));
    const idle = await measureWindow(stage, store, async () => {
      await new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1_000));
      return { answers: 0, seconds: IDLE_SECONDS };
    });
    return { loaded, idle };
  } finally {
    await store.close();
  }
}

function describeOpen(open: number, { nodes }: ScaleStage): string {
  const said = nodes[0]?.log().trim().split("\n").slice(-SHOWN_LINES).join("\n") ?? "";
  return `${open} requests have no answer yet: measure on a machine with less to do. The node's log ends:\n${said}`;
}

async function measureWindow(
  stage: ScaleStage,
  store: StoreCost,
  work: () => Promise<{ readonly answers: number; readonly seconds: number }>,
): Promise<Window> {
  const look = async (): Promise<{ used: StoreUse; cpu: CpuUse; exchanges: number }> => {
    const used = await store.read();
    return { used, cpu: readCpu(stage, used), exchanges: await readExchanges(stage) };
  };
  const before = await look();
  const done = await work();
  const after = await look();
  if (after.used.cpuSeconds === undefined)
    throw new Error("PostgreSQL runs on another machine: its processor time cannot be read");
  return {
    ...done,
    cpu: cpuBetween(before.cpu, after.cpu, (each) => each),
    commits: after.used.commits - before.used.commits,
    walBytes: after.used.walBytes - before.used.walBytes,
    exchanges: after.exchanges - before.exchanges,
  };
}

/** As the node counts them: messages to the chain's server. */
async function readExchanges({ nodes }: ScaleStage): Promise<number> {
  const metrics = await (await fetch(`${nodes[0]?.ready ?? ""}/v1/metrics`)).text();
  const counts = [...metrics.matchAll(/^adyton_oracle_rpc_exchanges_total\{[^}]*\} (\d+)$/gmu)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

async function readSettlements({
  chains,
}: ScaleStage): Promise<{ readonly gasPerAnswer: number; readonly answersPerTransaction: number }> {
  let [gas, answers, transactions] = [0, 0, 0];
  for (const { chain } of chains) {
    const events = await chain.coordinator.queryFilter(chain.coordinator.filters.Fulfilled(), 0);
    const hashes = new Set(events.map(({ transactionHash }) => transactionHash));
    for (const hash of hashes)
      gas += Number((await chain.provider.getTransactionReceipt(hash))?.gasUsed ?? 0);
    answers += events.length;
    transactions += hashes.size;
  }
  return {
    gasPerAnswer: Math.round(gas / answers),
    answersPerTransaction: round(answers / transactions, 1),
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
