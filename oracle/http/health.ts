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
  /** RPC endpoints that are not asked, by host, and why. */
  readonly rpcSetAside: Readonly<Record<string, string>>;
}

export interface Health {
  /** "ok": every chain is followed, has a key that can pay, and an enclave is verified. */
  readonly status: "ok" | "degraded";
  readonly chains: readonly ChainHealth[];
  readonly enclaves: readonly { readonly keysetId: string; readonly url: string }[];
}

export function toHealth({ chains, enclaves }: Omit<Health, "status">): Health {
  const ok =
    enclaves.length > 0 &&
    chains.every(
      ({ block, stalled, keysUsable, disputed }) => block !== null && !stalled && keysUsable > 0 && !disputed,
    );
  return { status: ok ? "ok" : "degraded", chains, enclaves };
}
