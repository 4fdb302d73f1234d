/** Processor time of everything that answering takes, by kind of process. */

import { cpuSeconds } from "./process-cost.ts";
import type { ScaleStage } from "./scale-stage.ts";
import type { StoreUse } from "./store-cost.ts";

type Kind = "oracle" | "enclave" | "model" | "anvil" | "postgres" | "bench";

/** Seconds; of all nodes together, and so on; nothing of a PostgreSQL on another machine. */
export type CpuUse = Readonly<Partial<Record<Kind, number>>>;

export function readCpu({ nodes, chains, enclave, model }: ScaleStage, store: StoreUse): CpuUse {
  const of = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  return {
    oracle: of(nodes.map(({ pid }) => pid)),
    enclave: of([enclave.pid]),
    model: of([model.pid]),
    anvil: of(chains.map(({ chain }) => chain.anvil.pid)),
    ...(store.cpuSeconds === undefined ? {} : { postgres: store.cpuSeconds }),
    bench: of([process.pid]),
  };
}

/** Each kind's use between two looks, as `scale` makes of it. */
export function cpuBetween(before: CpuUse, after: CpuUse, scale: (seconds: number) => number): CpuUse {
  return Object.fromEntries(
    Object.entries(after).map(([kind, used]) => [kind, scale(used - (before[kind as Kind] ?? 0))]),
  );
}
