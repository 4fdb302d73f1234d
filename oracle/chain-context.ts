import type { RpcPool } from "./chain/rpc/rpc-pool.ts";
import type { Logger } from "./log.ts";
import type { Store } from "./store/store.ts";

/** Everything that the work for one chain shares. */
export interface ChainContext {
  readonly chainId: number;
  readonly rpc: RpcPool;
  readonly store: Store;
  readonly log: Logger;
  /** Milliseconds. */
  readonly now: () => number;
}
