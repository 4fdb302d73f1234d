import type { MeasuredCosts } from "../../../../bench/oracle/simulation/costs.ts";
import type { Shape } from "../../../../bench/oracle/simulation/oracle-model.ts";

/** Costs in round numbers: 1 ms of the holder's thread and 1 ms of the asking node's for each answer. */
export const ROUND_COSTS: MeasuredCosts = {
  source: "made for tests",
  msPerAnswer: { follow: 0.5, ask: 1, send: 0.5, enclave: 1, store: 1, rpc: 1 },
  idlePollMs: 50,
  idleMsPerSecond: { node: 0, store: 0, rpc: 0 },
  rpcExchangesPerAnswer: 1,
  rpcExchangesPerSecondIdle: 0,
  commitsPerAnswer: 1,
  walBytesPerAnswer: 10_000,
  gasPerAnswer: 40_000,
  answersPerTransaction: 10,
};

/** Room for everything but the threads of one node. */
export const WIDE: Shape = {
  ...{ nodes: 1, chains: 1, enclaves: 10, storeCores: 10, storeCommitsPerSecond: 1e6 },
  ...{ slots: 10_000, keysPerChain: 10, maxInFlight: 10_000, batch: 100 },
  ...{ modelMs: 500, blockMs: 1_000, confirmations: 0, pollMs: 50, gasPerBlock: 1e12, rpcPerSecond: 1e6 },
};
