export interface Health {
  /** "ok": every chain is followed, has a key that can pay, and an enclave is verified. */
  readonly status: "ok" | "degraded";
  readonly chains: readonly {
    readonly chainId: number;
    readonly block: number | null;
    readonly behindBlocks: number | null;
    /** Transmitter keys with too little to be used for new transactions, or whose balance is not known yet. */
    readonly keysLowOnFunds: readonly string[];
    readonly keysUsable: number;
    /** Whether the RPC endpoints contradict each other, so that no model is called. */
    readonly disputed: boolean;
    /** RPC endpoints that are not asked, by host, and why. */
    readonly rpcSetAside: Readonly<Record<string, string>>;
  }[];
  readonly enclaves: readonly { readonly keysetId: string; readonly url: string }[];
}
