import type { StoreHealth } from "../store/store-probe.ts";

export interface ChainHealth {
  readonly chainId: number;
  readonly block: number | null;
  readonly behindBlocks: number | null;
  /** Whether nothing could be read of it for long: the RPC servers fail or lie, or the store does. */
  readonly stalled: boolean;
  /** Transmitter keys with too little to be used for new transactions, or whose balance is not known yet. */
  readonly keysLowOnFunds: readonly string[];
  readonly keysUsable: number;
  /** Whether the RPC endpoints contradict each other, so that no model is called. */
  readonly disputed: boolean;
  /** Which process that shares the store follows the chain and sends to it; "nobody": nothing that is due is sent. */
  readonly follower: "this" | "another" | "nobody";
  /** Seconds since the chain was last followed, and its news committed; `null` before the first time. */
  readonly followedSecondsAgo: number | null;
  /** Seconds, by this machine's clock, that the newest block is old. */
  readonly headAgeSeconds: number | null;
  /** The chain took back what counted as settled, or shows another history: it is left alone until a person has looked. */
  readonly finalityViolation: { readonly from: number; readonly to: number } | null;
  /** Whether the servers know a finalized block, where one is waited for. */
  readonly finalityKnown: boolean;
  /** Seconds by which this machine's clock is ahead of the chain's; `null` until two blocks came. */
  readonly clockAheadSeconds: number | null;
  readonly clockSkewed: boolean;
  /** Blocks of the deepest reorg since the process started. */
  readonly deepestReorgBlocks: number;
  /** RPC endpoints that are not asked, by host, and why. */
  readonly rpcSetAside: Readonly<Record<string, string>>;
}

export interface Health {
  /** "ok": what is asked of this node is answered and sent, on every chain, as far as it depends on what is looked at here. */
  readonly status: "ok" | "degraded";
  readonly chains: readonly ChainHealth[];
  readonly enclaves: readonly { readonly keysetId: string; readonly url: string }[];
  readonly store: StoreHealth;
}

export function toHealth({ chains, enclaves, store }: Omit<Health, "status">): Health {
  const ok = enclaves.length > 0 && store.writable && chains.every(isWell);
  return { status: ok ? "ok" : "degraded", chains, enclaves, store };
}

function isWell(chain: ChainHealth): boolean {
  return (
    isFollowed(chain) &&
    chain.block !== null &&
    chain.keysUsable > 0 &&
    !chain.disputed &&
    chain.finalityKnown &&
    !chain.clockSkewed
  );
}

/** Whether requests of the chain are read, and what is due is sent to it. */
export function isFollowed({ stalled, follower, finalityViolation }: ChainHealth): boolean {
  return !stalled && follower !== "nobody" && finalityViolation === null;
}
