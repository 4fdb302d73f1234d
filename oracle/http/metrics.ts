import { AnswerStatus, answerStatusName } from "../../protocol/answer.ts";
import type { OpenCounts } from "../store/open-counts.ts";
import type { Durations } from "../telemetry/span-durations.ts";
import type { Health } from "./health.ts";
import { renderMetric, type Metric, type Sample } from "./metric.ts";
import { peerMetrics, processMetrics, storeMetrics } from "./process-metrics.ts";
import { earningMetrics, keepingMetrics, trafficMetrics } from "./upkeep-metrics.ts";
import type { RuntimeState } from "./runtime-state.ts";

export type { RuntimeState } from "./runtime-state.ts";

const WEI_PER_ETHER = 1e18;

const OPEN_PHASES = ["seen", "asked", "answered", "refused", "sent"] as const;
const OPEN_STATES = ["pending", "mined", "failed", "lost"] as const;
const SETTLEMENT_KINDS = ["fulfilled", "refunded", "cancelled"] as const;
const ANSWER_STATUSES = Object.values(AnswerStatus).filter((status) => status !== AnswerStatus.unset);

/** Prometheus text format 0.0.4. Counts and heights only: no request, prompt or key is named. */
export function renderMetrics(open: OpenCounts, health: Health, runtime: RuntimeState): string {
  const metrics = [
    ...openMetrics(
      open,
      health.chains.map(({ chainId }) => chainId),
    ),
    ...endedMetrics(health, runtime),
    ...chainMetrics(health, runtime),
    ...soundnessMetrics(health),
    ...oldestMetrics(runtime),
    ...keepingMetrics(runtime),
    ...trafficMetrics(runtime),
    ...earningMetrics(runtime),
    ...storeMetrics(health),
    ...processMetrics(health, runtime),
    ...peerMetrics(runtime),
  ];
  return metrics.map(renderMetric).join("");
}

/** Figures that the store can give at any moment, whatever it holds: of requests that are open, or ended badly. */
export function openMetrics({ requests, transactions }: OpenCounts, configured: readonly number[]): Metric[] {
  return [
    {
      name: "adyton_oracle_requests",
      help: "Requests of this store that are not settled, by phase.",
      type: "gauge",
      samples: OPEN_PHASES.flatMap((phase) =>
        chainIds(configured, requests).map((chain) => ({
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
        chainIds(configured, transactions).map((chain) => ({
          labels: { chain, state },
          value: transactions.find((one) => one.chainId === chain && one.state === state)?.count ?? 0,
        })),
      ),
    },
  ];
}

/**
 * Ended requests are counted as they end, by the process that saw it: counting the rows would take longer every day, and a
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
  configured: readonly number[],
  counted: readonly { readonly chainId: number }[],
): readonly number[] {
  return [...new Set([...configured, ...counted.map(({ chainId }) => chainId)])];
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

/** 0 where nothing waits. */
export function oldestMetrics({ oldest, now }: Pick<RuntimeState, "oldest" | "now">): Metric[] {
  return [
    {
      name: "adyton_oracle_oldest_unsettled_seconds",
      help: "Age of the oldest request that is this node's to settle.",
      type: "gauge",
      samples: oldest.map(({ chainId, requestSince }) => ({
        labels: { chain: chainId },
        value: requestSince === null ? 0 : Math.max(0, Math.floor(now / 1_000) - requestSince),
      })),
    },
    {
      name: "adyton_oracle_oldest_transaction_seconds",
      help: "Age of the oldest transaction that is not mined.",
      type: "gauge",
      samples: oldest.map(({ chainId, transactionSince }) => ({
        labels: { chain: chainId },
        value: transactionSince === null ? 0 : Math.max(0, Math.floor((now - transactionSince) / 1_000)),
      })),
    },
  ];
}

/** The marks of a chain that is not the one that this node takes it for. */
function soundnessMetrics({ chains }: Health): Metric[] {
  const gauge = (
    name: string,
    help: string,
    read: (chain: Health["chains"][number]) => number | boolean | null,
  ): Metric => ({
    name: `adyton_oracle_${name}`,
    help,
    type: "gauge",
    samples: chains.flatMap((chain) => {
      const value = read(chain);
      return known(chain.chainId, value === null ? null : Number(value));
    }),
  });
  return [
    gauge(
      "chain_unattended",
      "1 when no process that shares the store follows the chain.",
      ({ follower }) => follower === "nobody",
    ),
    gauge(
      "chain_followed_seconds_ago",
      "Seconds since the chain was last followed.",
      ({ followedSecondsAgo }) => followedSecondsAgo,
    ),
    gauge(
      "head_age_seconds",
      "Age of the newest block, by this clock.",
      ({ headAgeSeconds }) => headAgeSeconds,
    ),
    gauge(
      "finality_violated",
      "1 when the chain took back what counted as settled: it is left alone.",
      ({ finalityViolation }) => finalityViolation !== null,
    ),
    gauge(
      "finality_unknown",
      "1 when a finalized block is waited for that the RPC servers do not know.",
      ({ finalityKnown }) => !finalityKnown,
    ),
    gauge(
      "clock_ahead_seconds",
      "Seconds by which this machine's clock is ahead of the chain's.",
      ({ clockAheadSeconds }) => clockAheadSeconds,
    ),
    gauge(
      "deepest_reorg_blocks",
      "Blocks of the deepest reorg since this process started.",
      ({ deepestReorgBlocks }) => deepestReorgBlocks,
    ),
  ];
}

function known(chainId: number, value: number | null): Sample[] {
  return value === null ? [] : [{ labels: { chain: chainId }, value }];
}
