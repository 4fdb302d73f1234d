import type { Hex } from "../../protocol/bytes.ts";
import { AbiWords } from "./abi-words.ts";
import type { BatchedReads } from "./batched-reads.ts";
import { data } from "./block.ts";
import { encodeCall, word } from "./call-data.ts";
import { coordinatorInterface as coordinator } from "./contracts.ts";

const PENDING = coordinator.getFunction("pending").selector;

/** Four words: an address without a contract answers with none. */
const PendingResult = data.refine((bytes) => bytes.length === 2 + 4 * 64, {
  error: "expected the four words of pending()",
});

/** What the coordinator keeps of a request that is not settled. */
export interface PendingRequest {
  /** Seconds: the time of the request's block. */
  readonly requestedAt: number;
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
  // isPending, escrow, requestedAt, cancelAt
  const words = new AbiWords(returned);
  return words.bool(0) ? { requestedAt: words.number(2), cancelAt: words.number(3) } : undefined;
}
