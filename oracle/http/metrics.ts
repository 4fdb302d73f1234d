import { AnswerStatus, answerStatusName } from "../../protocol/answer.ts";
import type { OpenCounts } from "../store/open-counts.ts";
import { DURATION_BUCKETS } from "../telemetry/span-durations.ts";
import type { Durations } from "../telemetry/span-durations.ts";
import type { Health } from "./health.ts";

type Labels = Readonly<Record<string, string | number>>;

interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** What Prometheus puts behind the name of a histogram's parts. */
  readonly suffix?: "_bucket" | "_sum" | "_count";
}

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter" | "histogram";
  readonly samples: readonly Sample[];
}

/** What the process knows of itself and nobody stores. */
export interface RuntimeState {
  readonly ready: boolean;
  readonly jobsInFlight: number;
  readonly deadLetters: number;
  readonly chains: readonly {
    readonly chainId: number;
    readonly rpcHealthy: number;
    readonly rpcTotal: number;
    /** Wei; keys whose balance was read. */
    readonly balances: readonly { readonly address: string; readonly balance: bigint }[];
  }[];
  readonly durations: readonly Durations[];
  readonly process: {
    readonly residentBytes: number;
    readonly cpuSeconds: number;
    /** Seconds. */
    readonly startedAt: number;
  };
}

const WEI_PER_ETHER = 1e18;

const OPEN_PHASES = ["seen", "asked", "answered", "refused", "sent"] as const;
const OPEN_STATES = ["pending", "mined", "failed", "lost"] as const;
const SETTLEMENT_KINDS = ["fulfilled", "refunded", "cancelled"] as const;
const ANSWER_STATUSES = Object.values(AnswerStatus).filter((status) => status !== AnswerStatus.unset);

/** Prometheus text format 0.0.4. Counts and heights only: no request, prompt or key is named. */
export function renderMetrics(open: OpenCounts, health: Health, runtime: RuntimeState): string {
  const metrics = [
    ...openMetrics(open, health),
    ...endedMetrics(health, runtime),
    ...chainMetrics(health, runtime),
    ...processMetrics(health, runtime),
  ];
  return metrics.map(render).join("");
}

/** What the store has to say at any moment, whatever it holds: only what is open, or ended badly. */
function openMetrics({ requests, transactions }: OpenCounts, { chains }: Health): Metric[] {
  return [
    {
      name: "adyton_oracle_requests",
      help: "Requests of this store that are not settled, by phase.",
      type: "gauge",
      samples: OPEN_PHASES.flatMap((phase) =>
        chainIds(chains, requests).map((chain) => ({
          labels: { chain, phase },
          value: requests.find((one) => one.chainId === chain && one.phase === phase)?.count ?? 0,
        })),
      ),
    },
    {
      name: "adyton_oracle_transactions",
      help: "Transactions of this store that are not final, by state; failed and lost are all there ever were.",
      type: "gauge",
      samples: OPEN_STATES.flatMap((state) =>
        chainIds(chains, transactions).map((chain) => ({
          labels: { chain, state },
          value: transactions.find((one) => one.chainId === chain && one.state === state)?.count ?? 0,
        })),
      ),
    },
  ];
}

/**
 * What has ended is counted as it happens, by the process that saw it: counting the rows would take longer every day, and a
 * reorg, which takes rows away, would look like the start of a new count. The kinds that there are begin at 0, so that the
 * first of each is seen to happen.
 */
function endedMetrics({ chains }: Health, { durations }: RuntimeState): Metric[] {
  const ended = (name: Durations["name"], chainId: number, outcome: string | undefined): number =>
    durations
      .find((one) => one.name === name && one.chainId === chainId && one.outcome === outcome)
      ?.cumulative.at(-1) ?? 0;
  return [
    {
      name: "adyton_oracle_answers_total",
      help: "Answers that enclaves gave this process since it started, by status.",
      type: "counter",
      samples: chains.flatMap(({ chainId }) =>
        ANSWER_STATUSES.map((status) => ({
          labels: { chain: chainId, status },
          value: ended("enclave.answer", chainId, answerStatusName(status)),
        })),
      ),
    },
    {
      name: "adyton_oracle_settlements_total",
      help: "Settlements of requests that this process read since it started, whoever sent them, by kind; again after a reorg.",
      type: "counter",
      samples: chains.flatMap(({ chainId }) =>
        SETTLEMENT_KINDS.map((kind) => ({
          labels: { chain: chainId, kind },
          value: ended("request", chainId, kind),
        })),
      ),
    },
  ];
}

/** Those that are configured, and those of which the store still has something. */
function chainIds(
  configured: Health["chains"],
  counted: readonly { readonly chainId: number }[],
): readonly number[] {
  return [...new Set([...configured, ...counted].map(({ chainId }) => chainId))];
}

function chainMetrics({ chains }: Health, runtime: RuntimeState): Metric[] {
  return [
    {
      name: "adyton_oracle_block",
      help: "Newest block that was read.",
      type: "gauge",
      samples: chains.flatMap(({ chainId, block }) => known(chainId, block)),
    },
    {
      name: "adyton_oracle_behind_blocks",
      help: "Blocks of the chain that are still to be read.",
      type: "gauge",
      samples: chains.flatMap(({ chainId, behindBlocks }) => known(chainId, behindBlocks)),
    },
    {
      name: "adyton_oracle_chain_stalled",
      help: "1 when nothing could be read of the chain for a minute or more.",
      type: "gauge",
      samples: chains.map(({ chainId, stalled }) => ({ labels: { chain: chainId }, value: stalled ? 1 : 0 })),
    },
    {
      name: "adyton_oracle_keys_usable",
      help: "Transmitter keys with enough funds; at 0 no model is called.",
      type: "gauge",
      samples: chains.map(({ chainId, keysUsable }) => ({ labels: { chain: chainId }, value: keysUsable })),
    },
    {
      name: "adyton_oracle_keys_low_on_funds",
      help: "Transmitter keys that are not used for new transactions.",
      type: "gauge",
      samples: chains.map(({ chainId, keysLowOnFunds }) => ({
        labels: { chain: chainId },
        value: keysLowOnFunds.length,
      })),
    },
    {
      name: "adyton_oracle_rpc_set_aside",
      help: "RPC endpoints that are not asked: of another chain, contradicting the others, or behind them.",
      type: "gauge",
      samples: chains.map(({ chainId, rpcSetAside }) => ({
        labels: { chain: chainId },
        value: Object.keys(rpcSetAside).length,
      })),
    },
    {
      name: "adyton_oracle_chain_disputed",
      help: "1 while the RPC endpoints contradict each other and no majority decides.",
      type: "gauge",
      samples: chains.map(({ chainId, disputed }) => ({
        labels: { chain: chainId },
        value: disputed ? 1 : 0,
      })),
    },
    {
      name: "adyton_oracle_key_balance_ether",
      help: "Balance of each transmitter key.",
      type: "gauge",
      samples: runtime.chains.flatMap(({ chainId, balances }) =>
        balances.map(({ address, balance }) => ({
          labels: { chain: chainId, address },
          value: Number(balance) / WEI_PER_ETHER,
        })),
      ),
    },
    {
      name: "adyton_oracle_rpc_endpoints",
      help: "RPC servers, by whether they serve or rest after a failure.",
      type: "gauge",
      samples: runtime.chains.flatMap(({ chainId, rpcHealthy, rpcTotal }) => [
        { labels: { chain: chainId, state: "healthy" }, value: rpcHealthy },
        { labels: { chain: chainId, state: "resting" }, value: rpcTotal - rpcHealthy },
      ]),
    },
  ];
}

function processMetrics({ enclaves }: Health, runtime: RuntimeState): Metric[] {
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
    {
      name: "adyton_oracle_dead_letters",
      help: "Jobs that failed for good and wait for an operator.",
      type: "gauge",
      samples: one(runtime.deadLetters),
    },
    {
      name: "adyton_oracle_span_seconds",
      help: "How long parts of a request's life took, since this process started: request, enclave.answer, transaction.",
      type: "histogram",
      samples: runtime.durations.flatMap(toHistogram),
    },
    {
      name: "process_resident_memory_bytes",
      help: "Resident memory.",
      type: "gauge",
      samples: one(runtime.process.residentBytes),
    },
    {
      name: "process_cpu_seconds_total",
      help: "CPU time spent, user and system.",
      type: "counter",
      samples: one(runtime.process.cpuSeconds),
    },
    {
      name: "process_start_time_seconds",
      help: "When the process started.",
      type: "gauge",
      samples: one(runtime.process.startedAt),
    },
  ];
}

function known(chainId: number, value: number | null): Sample[] {
  return value === null ? [] : [{ labels: { chain: chainId }, value }];
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

function render({ name, help, type, samples }: Metric): string {
  const lines = samples.map(({ labels, value, suffix = "" }) => {
    const text = Object.entries(labels).map(([label, content]) => `${label}="${content}"`);
    return `${name}${suffix}${text.length === 0 ? "" : `{${text.join(",")}}`} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}
