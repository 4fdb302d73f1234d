/** Questions that are all ready to be sent, and the chain's count of their answers. */

import { ZeroAddress, ZeroHash } from "ethers";
import { textPayload, type TestChain } from "../../tests/oracle/support/test-chain.ts";
import type { Hex } from "../../protocol/bytes.ts";
import type { Stack } from "./stack.ts";

/** What is asked, and watched for answers. */
export type AskedStack = Pick<Stack, "chain" | "consumer">;

const QUESTION = "What is 1 + 1?";
const LIFETIME_SECONDS = 86_400;
/** A request takes about 100,000 gas, beside the transaction's own. */
const REQUEST_GAS = 150_000;

export interface Asker {
  /** Sends one transaction that asks `count` times; resolves when the node has it. */
  readonly ask: (count: number) => Promise<void>;
}

/** Terms, escrow, nonce and gas are settled beforehand: what is measured begins with the request's transaction. */
export async function createAsker({ chain, consumer }: AskedStack, model?: string): Promise<Asker> {
  const from = await chain.asker.getAddress();
  const head = await chain.provider.getBlock("latest");
  const terms = {
    context: ZeroHash,
    payer: ZeroAddress,
    refundTo: from,
    subscriptionId: 0,
    policyId: chain.deployment.policyId,
    threshold: 1,
    aggregation: 0,
    delivery: 0,
    callbackGasLimit: 50_000,
    maxOutputBytes: 256,
    fee: 10n ** 15n,
    gasPriceCap: 10n ** 13n,
    deadline: (head?.timestamp ?? 0) + LIFETIME_SECONDS,
  };
  const escrow = await chain.coordinator.requiredEscrow(terms);
  const to = await consumer.getAddress();
  const payload = textPayload(QUESTION, model);
  let nonce = await chain.provider.getTransactionCount(from);
  return {
    ask: async (count) => {
      const transaction = {
        from,
        to,
        data: consumer.interface.encodeFunctionData("ask", [terms, payload, count]),
        value: quantity(escrow * BigInt(count)),
        nonce: quantity(nonce),
        gas: quantity(100_000 + count * REQUEST_GAS),
        maxFeePerGas: quantity(100n * 10n ** 9n),
        maxPriorityFeePerGas: quantity(10n ** 9n),
      };
      nonce += 1;
      await chain.rpc("eth_sendTransaction", transaction);
    },
  };
}

function quantity(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

interface SettledLog {
  readonly topics: readonly [Hex, Hex];
}

/** Counts `Fulfilled` from now on, each block read once. */
export class AnswerCount {
  readonly #chain: TestChain;
  readonly #seen = new Set<Hex>();
  #nextBlock: number;
  #logs = 0;

  private constructor(chain: TestChain, nextBlock: number) {
    this.#chain = chain;
    this.#nextBlock = nextBlock;
  }

  static async from({ chain }: Pick<Stack, "chain">): Promise<AnswerCount> {
    return new AnswerCount(chain, (await chain.provider.getBlockNumber()) + 1);
  }

  get distinct(): number {
    return this.#seen.size;
  }

  /** Answers to requests that had one already. */
  get duplicated(): number {
    return this.#logs - this.#seen.size;
  }

  async update(): Promise<void> {
    const chain = this.#chain;
    const head = Number(await chain.rpc("eth_blockNumber"));
    if (head < this.#nextBlock) return;
    const logs = (await chain.rpc("eth_getLogs", {
      address: chain.deployment.coordinator,
      topics: [chain.coordinator.interface.getEvent("Fulfilled").topicHash],
      fromBlock: quantity(this.#nextBlock),
      toBlock: quantity(head),
    })) as readonly SettledLog[];
    this.#nextBlock = head + 1;
    this.#logs += logs.length;
    for (const { topics } of logs) this.#seen.add(topics[1]);
  }
}
