/** What a node tells its console; as oracle/console/console-state.ts has it. Amounts are wei, times are seconds. */

export interface ConsoleState {
  readonly now: number;
  readonly startedAt: number;
  readonly ready: boolean;
  readonly store: {
    readonly writable: boolean;
    readonly writeMs: number | null;
    readonly freeBytes: number | null;
  };
  readonly jobsInFlight: number;
  readonly deadLetters: number;
  readonly reverifySeconds: number;
  readonly alerts: readonly Alert[];
  readonly chains: readonly Chain[];
  readonly enclaves: readonly Enclave[];
  readonly minutes: readonly Minute[];
  readonly purses: readonly Purse[];
}

export interface Alert {
  readonly name: string;
  readonly severity: "alarm" | "warning";
  readonly chainId: number | null;
  readonly subject?: string;
  readonly says: string;
  readonly since: number;
}

export interface Chain {
  readonly chainId: number;
  readonly block: number | null;
  readonly behindBlocks: number | null;
  readonly stalled: boolean;
  readonly disputed: boolean;
  readonly follower: "this" | "another" | "nobody";
  readonly headAgeSeconds: number | null;
  readonly rpcHealthy: number;
  readonly rpcTotal: number;
  readonly rpc: readonly {
    readonly endpoint: string;
    readonly exchanges: number;
    readonly failures: number;
    readonly meanMs: number | null;
    readonly aside: string | null;
  }[];
  readonly queue: readonly { readonly phase: string; readonly count: number }[];
  readonly transactions: readonly { readonly state: string; readonly count: number }[];
  readonly oldestUnsettledSeconds: number | null;
}

export interface Enclave {
  readonly keysetId: string;
  readonly host: string;
  readonly kind: string;
  readonly acceptedAt: number;
  readonly admissions: readonly {
    readonly chainId: number;
    readonly policyId: string;
    readonly expiresAt: number;
  }[];
}

export interface Minute {
  readonly at: number;
  readonly settled: number;
  readonly ended: number;
  /** Milliseconds. */
  readonly p50: number | null;
  readonly p95: number | null;
}

export interface Purse {
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
}

/** The token is not the console's. */
export class RefusedError extends Error {}

/** @throws {RefusedError}; {Error} where the node gives no answer, in words for a reader */
export async function readConsole(token: string): Promise<ConsoleState> {
  const reply = await fetch("/v1/console", {
    headers: { authorization: `Bearer ${token}` },
    credentials: "omit",
    cache: "no-store",
  }).catch(() => null);
  if (reply === null) throw new Error("The node gives no answer.");
  if (reply.status === 401) throw new RefusedError("This is not the console’s token.");
  if (reply.status === 404)
    throw new Error("No console is at this address: the node prints the one of its own when it starts.");
  if (!reply.ok) throw new Error(`The node answered with HTTP ${reply.status}.`);
  return (await reply.json()) as ConsoleState;
}
