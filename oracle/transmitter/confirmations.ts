import type { ChainContext } from "../chain-context.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { FoundReceipt, type TransactionReceipt } from "../chain/rpc/block.ts";
import { readReply, type RpcPool } from "../chain/rpc/rpc-pool.ts";
import type { TransactionOutcome } from "../store/transactions/outcomes.ts";
import type { OpenTransaction } from "../store/transactions/transaction.ts";

export type ConfirmationsOptions = Pick<ChainContext, "rpc" | "now">;

/** A nonce that is seen used up for so long, while none of our attempts is known, was used by somebody else with our key. */
const LOST_AFTER_MS = 60_000;

/** The end of transactions that settle nothing: admissions, failed ones, lost ones. */
export class Confirmations {
  readonly #options: ConfirmationsOptions;
  /** Transactions whose nonce is seen used up, and since when (milliseconds) the node has not said by which of ours. */
  #used: ReadonlyMap<number, number> = new Map();

  constructor(options: ConfirmationsOptions) {
    this.#options = options;
  }

  clear(): void {
    this.#used = new Map();
  }

  /** Whether its nonce was seen used up, by whichever transaction: no higher offer helps it. */
  isUsed(id: number): boolean {
    return this.#used.has(id);
  }

  /** @param counts how many transactions of each key the chain holds */
  async read(
    pending: readonly OpenTransaction[],
    counts: ReadonlyMap<Hex, number>,
  ): Promise<TransactionOutcome[]> {
    const { rpc, now } = this.#options;
    const used = pending.filter(({ signer, nonce }) => nonce < (counts.get(signer) ?? 0));
    const found = used.length === 0 ? [] : await readOutcomes(rpc, used);
    const before = this.#used;
    this.#used = new Map(
      used.map(({ id }, index) => [id, (found[index] === undefined ? before.get(id) : undefined) ?? now()]),
    );
    const lost = [...this.#used].filter(([, since]) => now() - since > LOST_AFTER_MS);
    return [
      ...found.filter((outcome) => outcome !== undefined),
      ...lost.map(([id]): TransactionOutcome => ({ id, state: "lost" })),
    ];
  }
}

/** The chain's record of transactions whose nonce is used up; `undefined` where it knows none of the attempts (yet). */
async function readOutcomes(
  rpc: RpcPool,
  transactions: readonly OpenTransaction[],
): Promise<(TransactionOutcome | undefined)[]> {
  const hashes = transactions.flatMap(({ attempts }) => attempts.map(({ hash }) => hash));
  const receipts = await readReceipts(rpc, hashes);
  return transactions.map(({ id, attempts }) => {
    const receipt = attempts.map(({ hash }) => receipts.get(hash)).find((found) => found !== undefined);
    if (receipt === undefined) return undefined;
    const block = { number: receipt.blockNumber, hash: receipt.blockHash };
    return { id, state: receipt.status === undefined || receipt.status === 1 ? "mined" : "failed", block };
  });
}

async function readReceipts(rpc: RpcPool, hashes: readonly Hex[]): Promise<Map<Hex, TransactionReceipt>> {
  const calls = hashes.map((hash) => ({ method: "eth_getTransactionReceipt", params: [hash] }));
  const receipts = await rpc.use(async (endpoint) => {
    const replies = await endpoint.send(calls);
    return calls.map((call, index) => readReply(endpoint, call, replies[index], FoundReceipt));
  });
  return new Map(
    receipts.flatMap((receipt) => (receipt === null ? [] : [[receipt.transactionHash, receipt]])),
  );
}
