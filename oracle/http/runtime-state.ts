import type { OldestOpen } from "../store/open-counts.ts";
import type { Durations } from "../telemetry/span-durations.ts";

/** Figures that the process knows of itself and nobody stores. */
export interface RuntimeState {
  readonly ready: boolean;
  readonly jobsInFlight: number;
  readonly deadLetters: number;
  readonly oldest: readonly OldestOpen[];
  /** Milliseconds. */
  readonly now: number;
  readonly chains: readonly {
    readonly chainId: number;
    readonly rpcHealthy: number;
    readonly rpcTotal: number;
    /** Wei; keys whose balance was read. */
    readonly balances: readonly { readonly address: string; readonly balance: bigint }[];
    /** Since the process started. */
    readonly rpcTraffic: readonly {
      readonly endpoint: string;
      readonly exchanges: number;
      readonly failures: number;
      readonly ms: number;
    }[];
    /** Wei that the coordinator owes the payees of this node's enclaves. */
    readonly credits: readonly { readonly payee: string; readonly credit: bigint }[];
    /** Seconds: when the first admission of this node's enclaves ends; `null` without any. */
    readonly admissionEnd: number | null;
  }[];
  /** Bytes; `null` where the store has no disk of this machine. */
  readonly storeFreeBytes: number | null;
  /** `null` where nothing leaves the store. */
  readonly retention: { readonly archived: number; readonly failures: number } | null;
  readonly durations: readonly Durations[];
  /** Nodes of other operators. */
  readonly peers: readonly { readonly name: string; readonly isReachable: boolean }[];
  readonly process: {
    readonly residentBytes: number;
    readonly cpuSeconds: number;
    /** Seconds. */
    readonly startedAt: number;
  };
}
