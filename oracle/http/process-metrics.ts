/** Metrics of the process and of what it talks to, chains apart. */

import { DURATION_BUCKETS, type Durations } from "../telemetry/span-durations.ts";
import type { Health } from "./health.ts";
import type { Metric, Sample } from "./metric.ts";
import type { RuntimeState } from "./runtime-state.ts";

export function peerMetrics({ peers }: RuntimeState): Metric[] {
  return [
    {
      name: "adyton_oracle_peer_reachable",
      help: "Whether the node of another operator took what it was last told.",
      type: "gauge",
      samples: peers.map(({ name, isReachable }) => ({ labels: { peer: name }, value: isReachable ? 1 : 0 })),
    },
  ];
}

export function storeMetrics({ store }: Health): Metric[] {
  const one = (value: number): Sample[] => [{ labels: {}, value }];
  return [
    {
      name: "adyton_oracle_store_writable",
      help: "1 when the last row that was to be written was, in time.",
      type: "gauge",
      samples: one(store.writable ? 1 : 0),
    },
    {
      name: "adyton_oracle_store_write_seconds",
      help: "How long the store took for one small row.",
      type: "gauge",
      samples: store.writeMs === null ? [] : one(store.writeMs / 1_000),
    },
    {
      name: "adyton_oracle_store_failures_total",
      help: "Rows that could not be written, of those that are written to see whether they can.",
      type: "counter",
      samples: one(store.failures),
    },
  ];
}

export function processMetrics({ enclaves }: Health, runtime: RuntimeState): Metric[] {
  const one = (value: number): Sample[] => [{ labels: {}, value }];
  return [
    {
      name: "adyton_oracle_enclaves",
      help: "Enclaves whose evidence is verified.",
      type: "gauge",
      samples: one(enclaves.length),
    },
    {
      name: "adyton_oracle_ready",
      help: "1 when a request could be answered now.",
      type: "gauge",
      samples: one(runtime.ready ? 1 : 0),
    },
    {
      name: "adyton_oracle_jobs_in_flight",
      help: "Requests that this process works on.",
      type: "gauge",
      samples: one(runtime.jobsInFlight),
    },
    deadLetterMetric(runtime.deadLetters),
    {
      name: "adyton_oracle_span_seconds",
      help: "How long parts of a request's life took, since this process started: request, enclave.answer, transaction.",
      type: "histogram",
      samples: runtime.durations.flatMap(toHistogram),
    },
    ...ownMetrics(runtime.process),
  ];
}

export function deadLetterMetric(count: number): Metric {
  return {
    name: "adyton_oracle_dead_letters",
    help: "Jobs that failed for good and wait for an operator.",
    type: "gauge",
    samples: [{ labels: {}, value: count }],
  };
}

/** What any process says of itself, by the names that Prometheus's clients have for it. */
export function ownMetrics({ residentBytes, cpuSeconds, startedAt }: RuntimeState["process"]): Metric[] {
  const one = (value: number): Sample[] => [{ labels: {}, value }];
  return [
    {
      name: "process_resident_memory_bytes",
      help: "Resident memory.",
      type: "gauge",
      samples: one(residentBytes),
    },
    {
      name: "process_cpu_seconds_total",
      help: "CPU time spent, user and system.",
      type: "counter",
      samples: one(cpuSeconds),
    },
    {
      name: "process_start_time_seconds",
      help: "When the process started.",
      type: "gauge",
      samples: one(startedAt),
    },
  ];
}

function toHistogram({ name, chainId, outcome, cumulative, sumSeconds }: Durations): Sample[] {
  const labels = { span: name, chain: chainId, outcome };
  const buckets = cumulative.map((value, index): Sample => ({
    labels: { ...labels, le: DURATION_BUCKETS[index] ?? "+Inf" },
    value,
    suffix: "_bucket",
  }));
  const count = cumulative[cumulative.length - 1] ?? 0;
  return [
    ...buckets,
    { labels, value: sumSeconds, suffix: "_sum" },
    { labels, value: count, suffix: "_count" },
  ];
}
