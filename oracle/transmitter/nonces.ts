import type { Hex } from "../../protocol/bytes.ts";
import { quantity } from "../chain/rpc/block.ts";
import type { RpcPool } from "../chain/rpc/rpc-pool.ts";
import type { Store } from "../store/store.ts";
import { nextStoredNonce } from "../store/transactions/nonces.ts";

/** How many transactions of `address` the canonical chain holds. */
function readTransactionCount(rpc: RpcPool, address: Hex, tag: "latest" | "pending"): Promise<number> {
  return rpc.call("eth_getTransactionCount", [address, tag], quantity);
}

/** How many each of them has on the newest block. */
export async function readTransactionCounts(
  rpc: RpcPool,
  addresses: ReadonlySet<Hex>,
): Promise<Map<Hex, number>> {
  const counts = [...addresses].map(
    async (address) => [address, await readTransactionCount(rpc, address, "latest")] as const,
  );
  return new Map(await Promise.all(counts));
}

/**
 * The nonce to use next: above all that this store committed, and above all that the chain or its mempool holds (an
 * emptied store forgets what it sent; the node remembers).
 */
export async function readNextNonce(
  rpc: RpcPool,
  store: Store,
  chainId: number,
  address: Hex,
): Promise<number> {
  const [stored, pending] = await Promise.all([
    nextStoredNonce(store, chainId, address),
    readTransactionCount(rpc, address, "pending"),
  ]);
  return Math.max(stored, pending);
}
