import type { StoreCounts } from "../store/index-queries.ts";
import type { Health } from "./health.ts";

type Labels = Readonly<Record<string, string | number>>;

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter";
  readonly samples: readonly { readonly labels: Labels; readonly value: number }[];
}

/** Prometheus text format 0.0.4. Counts and heights only: no request, prompt or key is named. */
export function renderMetrics(counts: StoreCounts, health: Health): string {
  const metrics: Metric[] = [
    {
      name: "adyton_oracle_requests",
      help: "Requests known, by phase.",
      type: "gauge",
      samples: counts.requests.map(({ chainId, phase, count }) => ({
        labels: { chain: chainId, phase },
        value: count,
      })),
    },
    {
      name: "adyton_oracle_answers_total",
      help: "Answers recorded, by status.",
      type: "counter",
      samples: counts.answers.map(({ chainId, status, count }) => ({
        labels: { chain: chainId, status },
        value: count,
      })),
    },
    {
      name: "adyton_oracle_transactions",
      help: "Transactions of this store, by state.",
      type: "gauge",
      samples: counts.transactions.map(({ chainId, state, count }) => ({
        labels: { chain: chainId, state },
        value: count,
      })),
    },
    {
      name: "adyton_oracle_block",
      help: "Newest block that was read.",
      type: "gauge",
      samples: health.chains.flatMap(({ chainId, block }) =>
        block === null ? [] : [{ labels: { chain: chainId }, value: block }],
      ),
    },
    {
      name: "adyton_oracle_keys_usable",
      help: "Transmitter keys with enough funds; at 0 no model is called.",
      type: "gauge",
      samples: health.chains.map(({ chainId, keysUsable }) => ({
        labels: { chain: chainId },
        value: keysUsable,
      })),
    },
    {
      name: "adyton_oracle_keys_low_on_funds",
      help: "Transmitter keys that are not used for new transactions.",
      type: "gauge",
      samples: health.chains.map(({ chainId, keysLowOnFunds }) => ({
        labels: { chain: chainId },
        value: keysLowOnFunds.length,
      })),
    },
    {
      name: "adyton_oracle_rpc_set_aside",
      help: "RPC endpoints that are not asked: of another chain, contradicting the others, or behind them.",
      type: "gauge",
      samples: health.chains.map(({ chainId, rpcSetAside }) => ({
        labels: { chain: chainId },
        value: Object.keys(rpcSetAside).length,
      })),
    },
    {
      name: "adyton_oracle_chain_disputed",
      help: "1 while the RPC endpoints contradict each other and no majority decides.",
      type: "gauge",
      samples: health.chains.map(({ chainId, disputed }) => ({
        labels: { chain: chainId },
        value: disputed ? 1 : 0,
      })),
    },
    {
      name: "adyton_oracle_enclaves",
      help: "Enclaves whose evidence is verified.",
      type: "gauge",
      samples: [{ labels: {}, value: health.enclaves.length }],
    },
  ];
  return metrics.map(render).join("");
}

function render({ name, help, type, samples }: Metric): string {
  const lines = samples.map(({ labels, value }) => {
    const text = Object.entries(labels).map(([label, content]) => `${label}="${content}"`);
    return `${name}${text.length === 0 ? "" : `{${text.join(",")}}`} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}
