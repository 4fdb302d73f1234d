/** What the console shows, as it travels: amounts in wei as decimal strings, times in seconds. */

import type { ChainHealth, Health } from "../http/health.ts";
import type { RuntimeState } from "../http/runtime-state.ts";
import type { Admission } from "../store/list-admissions.ts";
import type { OpenCounts } from "../store/open-counts.ts";
import type { StandingAlert } from "./alerts.ts";
import type { Minute } from "./minute-series.ts";
import type { PurseReport } from "./purse-watch.ts";

export interface ShownEnclave {
  readonly keysetId: string;
  readonly host: string;
  /** Kind of its evidence. */
  readonly kind: string;
  readonly acceptedAt: number;
  readonly admissions: readonly Pick<Admission, "chainId" | "policyId" | "expiresAt">[];
}

export interface ConsoleParts {
  readonly health: Health;
  readonly runtime: RuntimeState;
  readonly open: OpenCounts;
  readonly enclaves: readonly ShownEnclave[];
  readonly alerts: readonly StandingAlert[];
  readonly minutes: readonly Minute[];
  readonly purses: readonly PurseReport[];
  /** Seconds between two looks at an enclave's evidence. */
  readonly reverifySeconds: number;
}

export interface ShownChain extends ChainHealth {
  readonly rpcHealthy: number;
  readonly rpcTotal: number;
  readonly rpc: readonly {
    readonly endpoint: string;
    readonly exchanges: number;
    readonly failures: number;
    readonly meanMs: number | null;
    /** Why it is not asked. */
    readonly aside: string | null;
  }[];
  readonly queue: readonly { readonly phase: string; readonly count: number }[];
  readonly transactions: readonly { readonly state: string; readonly count: number }[];
  readonly oldestUnsettledSeconds: number | null;
  readonly oldestTransactionSeconds: number | null;
}

export interface ConsoleState {
  readonly now: number;
  readonly startedAt: number;
  readonly status: Health["status"];
  readonly ready: boolean;
  readonly store: Health["store"] & { readonly freeBytes: number | null };
  readonly jobsInFlight: number;
  readonly deadLetters: number;
  readonly reverifySeconds: number;
  readonly alerts: readonly StandingAlert[];
  readonly chains: readonly ShownChain[];
  readonly enclaves: readonly ShownEnclave[];
  readonly minutes: readonly Minute[];
  readonly purses: readonly {
    readonly chainId: number;
    readonly watchedSeconds: number;
    readonly earned: string;
    readonly spent: string;
    readonly owed: string;
    readonly keys: readonly {
      readonly address: string;
      readonly balance: string;
      readonly usable: boolean;
      readonly leftSeconds: number | null;
    }[];
  }[];
}

export function toConsoleState(parts: ConsoleParts): ConsoleState {
  const { health, runtime, enclaves, alerts, minutes, reverifySeconds } = parts;
  return {
    now: Math.floor(runtime.now / 1_000),
    startedAt: runtime.process.startedAt,
    status: health.status,
    ready: runtime.ready,
    store: { ...health.store, freeBytes: runtime.storeFreeBytes },
    jobsInFlight: runtime.jobsInFlight,
    deadLetters: runtime.deadLetters,
    reverifySeconds,
    alerts,
    chains: health.chains.map((chain) => toShownChain(chain, parts)),
    enclaves,
    minutes,
    purses: parts.purses.map((purse) => toShownPurse(purse, health)),
  };
}

function toShownChain(chain: ChainHealth, { runtime, open }: ConsoleParts): ShownChain {
  const isOf = ({ chainId }: { readonly chainId: number }): boolean => chainId === chain.chainId;
  const state = runtime.chains.find(isOf);
  const oldest = runtime.oldest.find(isOf);
  const age = (since: number | null | undefined): number | null =>
    since == null ? null : Math.max(0, Math.floor(runtime.now / 1_000 - since));
  return {
    ...chain,
    rpcHealthy: state?.rpcHealthy ?? 0,
    rpcTotal: state?.rpcTotal ?? 0,
    rpc: (state?.rpcTraffic ?? []).map(({ endpoint, exchanges, failures, ms }) => ({
      ...{ endpoint, exchanges, failures },
      meanMs: exchanges === 0 ? null : Math.round(ms / exchanges),
      aside: chain.rpcSetAside[endpoint] ?? null,
    })),
    queue: open.requests.filter(isOf).map(({ phase, count }) => ({ phase, count })),
    transactions: open.transactions.filter(isOf).map(({ state: name, count }) => ({ state: name, count })),
    oldestUnsettledSeconds: age(oldest?.requestSince),
    oldestTransactionSeconds: age(oldest?.transactionSince == null ? null : oldest.transactionSince / 1_000),
  };
}

function toShownPurse(
  { chainId, watchedMs, earned, spent, owed, keys }: PurseReport,
  health: Health,
): ConsoleState["purses"][number] {
  const low = health.chains.find((chain) => chain.chainId === chainId)?.keysLowOnFunds ?? [];
  return {
    chainId,
    watchedSeconds: Math.floor(watchedMs / 1_000),
    earned: earned.toString(),
    spent: spent.toString(),
    owed: owed.toString(),
    keys: keys.map(({ address, balance, leftSeconds }) => ({
      ...{ address, leftSeconds },
      balance: balance.toString(),
      usable: !low.includes(address),
    })),
  };
}
