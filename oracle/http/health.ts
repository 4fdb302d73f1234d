export interface Health {
  /** "ok": every chain is followed and an enclave is verified. */
  readonly status: "ok" | "degraded";
  readonly chains: readonly {
    readonly chainId: number;
    readonly block: number | null;
    readonly behindBlocks: number | null;
  }[];
  readonly enclaves: readonly { readonly keysetId: string; readonly url: string }[];
}
