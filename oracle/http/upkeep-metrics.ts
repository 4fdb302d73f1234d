/** Metrics of what wears out or runs out: disks, admissions, RPC servers, and what the node earns. */

import type { Metric } from "./metric.ts";
import type { RuntimeState } from "./runtime-state.ts";

const WEI_PER_ETHER = 1e18;

export function keepingMetrics({ storeFreeBytes, retention, chains, now }: RuntimeState): Metric[] {
  const count = (name: string, help: string, value: number | undefined): Metric => ({
    ...{ name, help, type: "counter" },
    samples: value === undefined ? [] : [{ labels: {}, value }],
  });
  return [
    {
      name: "adyton_oracle_store_free_bytes",
      help: "Bytes that are free on the disk of an embedded store.",
      type: "gauge",
      samples: storeFreeBytes === null ? [] : [{ labels: {}, value: storeFreeBytes }],
    },
    {
      name: "adyton_oracle_admission_left_seconds",
      help: "Time until the first admission of this node's enclaves ends.",
      type: "gauge",
      samples: chains.flatMap(({ chainId, admissionEnd }) =>
        admissionEnd === null
          ? []
          : [{ labels: { chain: chainId }, value: admissionEnd - Math.floor(now / 1_000) }],
      ),
    },
    count(
      "adyton_oracle_archived_total",
      "Requests that left the store for the archive since this process started.",
      retention?.archived,
    ),
    count(
      "adyton_oracle_archive_failures_total",
      "Times that requests could not leave the store.",
      retention?.failures,
    ),
  ];
}

export function trafficMetrics({ chains }: RuntimeState): Metric[] {
  const count = (
    name: string,
    help: string,
    read: (traffic: RuntimeState["chains"][number]["rpcTraffic"][number]) => number,
  ): Metric => ({
    ...{ name: `adyton_oracle_rpc_${name}_total`, help, type: "counter" },
    samples: chains.flatMap(({ chainId, rpcTraffic }) =>
      rpcTraffic.map((traffic) => ({
        labels: { chain: chainId, endpoint: traffic.endpoint },
        value: read(traffic),
      })),
    ),
  });
  return [
    count("exchanges", "Messages to each RPC server since this process started.", (one) => one.exchanges),
    count("failures", "Messages to each RPC server that had no reply.", (one) => one.failures),
    count("seconds", "Time that the replies of each RPC server took together.", ({ ms }) => ms / 1_000),
  ];
}

export function earningMetrics({ chains }: RuntimeState): Metric[] {
  return [
    {
      name: "adyton_oracle_payee_credit_ether",
      help: "What the coordinator owes the payees of this node's enclaves: fees, and gas that was repaid.",
      type: "gauge",
      samples: chains.flatMap(({ chainId, credits }) =>
        credits.map(({ payee, credit }) => ({
          labels: { chain: chainId, payee },
          value: Number(credit) / WEI_PER_ETHER,
        })),
      ),
    },
  ];
}
