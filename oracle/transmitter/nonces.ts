import type { Hex } from "../../protocol/bytes.ts";
import { ChainError } from "../../protocol/errors.ts";
import { quantity } from "../chain/rpc/block.ts";
import { readReply, type RpcPool } from "../chain/rpc/rpc-pool.ts";
import type { Store } from "../store/store.ts";
import { nextStoredNonce } from "../store/transactions/nonces.ts";

/**
 * Transactions of one key that wait, at most: geth keeps 64 beyond the next, and this node has a thousand in flight at most. A nonce far above the
 * chain's would be committed, and nothing under that key mined any more, whatever the server says later.
 */
const MOST_WAITING = 4_096;

/** How many each of them has on the newest block. */
export async function readTransactionCounts(
  rpc: RpcPool,
  addresses: ReadonlySet<Hex>,
): Promise<Map<Hex, number>> {
  const counts = [...addresses].map(
    async (address) =>
      [address, await rpc.call("eth_getTransactionCount", [address, "latest"], quantity)] as const,
  );
  return new Map(await Promise.all(counts));
}

/**
 * The nonce to use next: above all that this store committed, and above all that the chain or its mempool holds (an
 * emptied store forgets what it sent; the node remembers).
 */
export async function readNextNonce(
  rpc: Pick<RpcPool, "use">,
  store: Store,
  chainId: number,
  address: Hex,
): Promise<number> {
  const [stored, pending] = await Promise.all([
    nextStoredNonce(store, chainId, address),
    readWaitingCount(rpc, address),
  ]);
  return Math.max(stored, pending);
}

/**
 * How many the chain and a server's mempool hold.
 *
 * @throws {ChainError} CHAIN_RPC_UNAVAILABLE where each server names more than can wait
 */
function readWaitingCount(rpc: Pick<RpcPool, "use">, address: Hex): Promise<number> {
  const calls = (["latest", "pending"] as const).map((tag) => ({
    method: "eth_getTransactionCount",
    params: [address, tag],
  }));
  return rpc.use(async (endpoint) => {
    const replies = await endpoint.send(calls);
    const [mined = 0, waiting = 0] = calls.map((call, index) =>
      readReply(endpoint, call, replies[index], quantity),
    );
    if (waiting <= mined + MOST_WAITING) return waiting;
    throw new ChainError({
      code: "CHAIN_RPC_UNAVAILABLE",
      message: `RPC endpoint ${endpoint.name} names more transactions of a key than can wait`,
      details: { endpoint: endpoint.name, address, mined, waiting },
    });
  });
}
