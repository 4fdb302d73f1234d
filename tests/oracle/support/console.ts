/** A node with nothing wrong, as its console sees it. */

import type { Watched } from "../../../oracle/console/alerts.ts";
import { WELL_CHAIN, WELL_STORE } from "./health.ts";

/** @param now milliseconds */
export function wellNode(now: number): Watched {
  return {
    health: { status: "ok", chains: [WELL_CHAIN], enclaves: [], store: WELL_STORE },
    runtime: {
      ...{ ready: true, jobsInFlight: 0, deadLetters: 0, now },
      oldest: [{ chainId: 1, requestSince: null, transactionSince: null }],
      chains: [
        {
          ...{ chainId: 1, rpcHealthy: 2, rpcTotal: 2, balances: [], credits: [], admissionEnd: null },
          rpcTraffic: [{ endpoint: "rpc.example", exchanges: 4, failures: 1, ms: 100 }],
        },
      ],
      storeFreeBytes: null,
      retention: null,
      durations: [],
      peers: [],
      process: { residentBytes: 1, cpuSeconds: 1, startedAt: now / 1_000 - 60 },
    },
    refunds: 0,
    soonest: [],
  };
}
