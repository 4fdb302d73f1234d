/** Metrics of a process that only reads the store: what the store can say, and what the process can say of itself. */

import { renderMetric, type Metric, type Sample } from "../http/metric.ts";
import { oldestMetrics, openMetrics } from "../http/metrics.ts";
import { deadLetterMetric, ownMetrics } from "../http/process-metrics.ts";
import type { RuntimeState } from "../http/runtime-state.ts";
import type { OpenCounts } from "../store/open-counts.ts";
import type { IndexHealth } from "./index-watch.ts";

export interface IndexState extends Pick<RuntimeState, "deadLetters" | "oldest" | "now"> {
  readonly open: OpenCounts;
}

/**
 * Prometheus text format 0.0.4. Those that a node has too mean the same, and are the store's: take the `max` over all.
 *
 * @param state `undefined` while the store is not read: what it would say is left out, and is no zero
 */
export function renderIndexMetrics(
  health: IndexHealth,
  state: IndexState | undefined,
  ofProcess: RuntimeState["process"],
): string {
  const chainIds = health.chains.map(({ chainId }) => chainId);
  const ofStore =
    state === undefined
      ? []
      : [
          ...openMetrics(state.open, chainIds),
          ...oldestMetrics(state),
          deadLetterMetric(state.deadLetters),
          ...followedMetrics(health),
        ];
  return [...ofStore, ...readingMetrics(health), ...ownMetrics(ofProcess)].map(renderMetric).join("");
}

function followedMetrics({ chains, nodes }: IndexHealth): Metric[] {
  return [
    {
      name: "adyton_oracle_block",
      help: "Newest block that was read.",
      type: "gauge",
      samples: chains.flatMap(({ chainId, block }) =>
        block === null ? [] : [{ labels: { chain: chainId }, value: block }],
      ),
    },
    {
      name: "adyton_oracle_chain_unattended",
      help: "1 when no process that shares the store follows the chain.",
      type: "gauge",
      samples: chains.flatMap(({ chainId, follower }) =>
        follower === "unknown" ? [] : [{ labels: { chain: chainId }, value: follower === "nobody" ? 1 : 0 }],
      ),
    },
    {
      name: "adyton_oracle_nodes",
      help: "Node processes of the store that gave a sign of life.",
      type: "gauge",
      samples: nodes === null ? [] : [{ labels: {}, value: nodes }],
    },
  ];
}

function readingMetrics({ store }: IndexHealth): Metric[] {
  const one = (value: number | null): Sample[] => (value === null ? [] : [{ labels: {}, value }]);
  return [
    {
      name: "adyton_oracle_store_readable",
      help: "1 when the store was read when it was last looked at, in time, and has tables of this version.",
      type: "gauge",
      samples: one(store.readable ? 1 : 0),
    },
    {
      name: "adyton_oracle_store_read_failures_total",
      help: "Looks at the store that failed.",
      type: "counter",
      samples: one(store.failures),
    },
    {
      name: "adyton_oracle_store_replica_lag_seconds",
      help: "Age of the newest change that a replica has.",
      type: "gauge",
      samples: one(store.lagSeconds),
    },
  ];
}
