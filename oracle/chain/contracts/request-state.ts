import type { Hex } from "../../../protocol/bytes.ts";
import { AbiWords } from "../abi/abi-words.ts";
import type { BatchedReads } from "../rpc/batched-reads.ts";
import { data } from "../rpc/block.ts";
import { encodeCall, word } from "../abi/call-data.ts";
import { coordinatorInterface as coordinator } from "./contracts.ts";

const PENDING = coordinator.getFunction("pending").selector;

/** Five words: an address without a contract answers with none. */
const PendingResult = data.refine((bytes) => bytes.length === 2 + 5 * 64, {
  error: "expected the five words of pending()",
});

/** The coordinator's state of a request that is not settled. */
export interface PendingRequest {
  /** The block in which it was made, as the coordinator counts blocks. */
  readonly requestBlock: number;
  /** Seconds: from then on a cancellation holds; 0 without notice of one. */
  readonly cancelAt: number;
}

/**
 * @param tag "pending" counts what waits in the node's mempool too, where the node has such a view
 * @returns `undefined` for a request that is settled, or was never made
 * @throws {ChainError} CHAIN_RPC_UNAVAILABLE
 */
export async function readPendingRequest(
  reads: Pick<BatchedReads, "call">,
  address: Hex,
  requestId: Hex,
  tag: "latest" | "pending",
): Promise<PendingRequest | undefined> {
  const call = { to: address, data: encodeCall(PENDING, [word(requestId)]) };
  const returned = await reads.call({ method: "eth_call", params: [call, tag] }, PendingResult);
  // isPending, escrow, requestBlock, cancelAt, committedAt
  const words = new AbiWords(returned);
  return words.bool(0) ? { requestBlock: words.number(2), cancelAt: words.number(3) } : undefined;
}
