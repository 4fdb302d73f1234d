import type { Hex } from "../../protocol/bytes.ts";
import { TransactionReceipt } from "../chain/block.ts";
import type { RpcPool } from "../chain/rpc-pool.ts";
import { readReply } from "../chain/rpc-pool.ts";
import type { OpenTransaction, TransactionOutcome } from "../store/transactions.ts";

/** What the chain says of transactions whose nonce is used up; `undefined` where it knows none of the attempts (yet). */
export async function readOutcomes(
  rpc: RpcPool,
  transactions: readonly OpenTransaction[],
): Promise<(TransactionOutcome | undefined)[]> {
  const hashes = transactions.flatMap(({ attempts }) => attempts.map(({ hash }) => hash));
  const receipts = await readReceipts(rpc, hashes);
  return transactions.map(({ id, attempts }) => {
    const receipt = attempts.map(({ hash }) => receipts.get(hash)).find((found) => found !== undefined);
    if (receipt === undefined) {
      return undefined;
    }
    const block = { number: receipt.blockNumber, hash: receipt.blockHash };
    return { id, state: receipt.status === 1 ? "mined" : "failed", block };
  });
}

async function readReceipts(rpc: RpcPool, hashes: readonly Hex[]): Promise<Map<Hex, TransactionReceipt>> {
  const calls = hashes.map((hash) => ({ method: "eth_getTransactionReceipt", params: [hash] }));
  const receipts = await rpc.use(async (endpoint) => {
    const replies = await endpoint.send(calls);
    return calls.map((call, index) =>
      readReply(endpoint, call, replies[index], TransactionReceipt.nullable()),
    );
  });
  return new Map(
    receipts.flatMap((receipt) => (receipt === null ? [] : [[receipt.transactionHash, receipt]])),
  );
}
