import { type TestChain, textPayload } from "../oracle/support/test-chain.ts";

const GWEI = 10n ** 9n;
const toQuantity = (value: bigint): string => `0x${value.toString(16)}`;
/** What anybody pays at most for a unit of gas here: above it, a fee spike stops everything until it has passed. */
export const GAS_PRICE_CAP = 10_000n * GWEI;
const ASK_EVERY_MS = 700;
const AT_ONCE = 8;
const MINED_WITHIN_MS = 5_000;

/**
 * Asks until the canonical chain holds as many requests as it is told to: those that a reorg drops are asked again, and
 * counted only where they ended up.
 */
export class Asker {
  readonly #chain: TestChain;
  readonly #from: string;
  readonly #say: (text: string) => void;
  #goal = 0;
  #stopping = false;
  #asking: Promise<void> = Promise.resolve();
  asked = 0;

  constructor(chain: TestChain, from: string, say: (text: string) => void) {
    this.#chain = chain;
    this.#from = from;
    this.#say = say;
  }

  start(): void {
    this.#asking = this.#run();
  }

  /** Asks up to this many; what is missing to it after a reorg, too. */
  set goal(goal: number) {
    this.#goal = goal;
  }

  async requested(): Promise<number> {
    const { coordinator } = this.#chain;
    const { policyId } = this.#chain.deployment;
    const requested = await coordinator.queryFilter(coordinator.filters.Requested(), 0);
    return requested.filter(({ args }) => args.policyId === policyId).length;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#asking;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const missing = this.#goal - (await this.requested());
      try {
        for (let count = 0; count < Math.min(missing, AT_ONCE); count += 1) await this.#ask();
      } catch (error) {
        // The base fee is above what the asker pays: it will fall.
        this.#say(`not asked: ${error instanceof Error ? error.message.slice(0, 80) : String(error)}`);
      }
      // What waits in the mempool would be asked a second time.
      await untilMined(this.#chain, this.#from);
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    }
  }

  async #ask(): Promise<void> {
    await sendRequest(this.#chain, {
      from: this.#from,
      context: this.asked + 1,
      policyId: this.#chain.deployment.policyId,
    });
    this.asked += 1;
  }
}

export interface AskedRequest {
  readonly from: string;
  /** Tells requests of an account apart. */
  readonly context: number;
  readonly policyId: string;
}

/** Sends it, and does not wait for its block. */
export async function sendRequest(
  chain: TestChain,
  { from, context, policyId }: AskedRequest,
): Promise<void> {
  const { provider, coordinator, deployment } = chain;
  const head = await provider.getBlock("latest");
  const terms = {
    context: `0x${context.toString(16).padStart(64, "0")}`,
    payer: from,
    refundTo: from,
    subscriptionId: 0,
    policyId,
    threshold: 1,
    aggregation: 0,
    delivery: 0,
    callbackGasLimit: 50_000,
    maxOutputBytes: 256,
    fee: 10n ** 15n,
    gasPriceCap: GAS_PRICE_CAP,
    deadline: (head?.timestamp ?? 0) + 86_400,
  };
  const value = await coordinator.requiredEscrow(terms);
  const payload = textPayload("how much chaos?");
  await chain.rpc("eth_sendTransaction", {
    from,
    to: deployment.coordinator,
    data: coordinator.interface.encodeFunctionData("request", [terms, payload]),
    value: toQuantity(value),
    gas: toQuantity(500_000n),
    maxFeePerGas: toQuantity(GAS_PRICE_CAP),
    maxPriorityFeePerGas: toQuantity(GWEI),
  });
}

/** Until nothing of the account waits in the mempool any more, or that takes too long. */
export async function untilMined(chain: TestChain, from: string): Promise<void> {
  for (let waited = 0; waited < MINED_WITHIN_MS; waited += 100) {
    const [latest, pending] = await Promise.all(
      ["latest", "pending"].map((tag) => chain.rpc("eth_getTransactionCount", from, tag)),
    );
    if (latest === pending) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
