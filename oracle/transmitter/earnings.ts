import type { ChainContext } from "../chain-context.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { coordinatorInterface as coordinator } from "../chain/contracts/contracts.ts";
import { encodeCall, word } from "../chain/abi/call-data.ts";
import { bigQuantity } from "../chain/rpc/block.ts";
import { readReply } from "../chain/rpc/rpc-pool.ts";

export interface EarningsOptions extends Pick<ChainContext, "rpc" | "now"> {
  readonly coordinator: Hex;
  /** Whom the node's enclaves name in their keysets. */
  readonly payees: () => readonly Hex[];
}

export interface Credit {
  readonly payee: Hex;
  /** Wei that the coordinator owes it. */
  readonly credit: bigint;
}

const CHECK_MS = 60_000;
const CREDIT_OF = coordinator.getFunction("creditOf").selector;

/** What fees and repaid gas came to: beside the keys' balances, whether the node earns what it spends. */
export class Earnings {
  readonly #options: EarningsOptions;
  #credits: readonly Credit[] = [];
  #checkAt = 0;

  constructor(options: EarningsOptions) {
    this.#options = options;
  }

  get credits(): readonly Credit[] {
    return this.#credits;
  }

  /** @throws {ChainError} CHAIN_RPC_UNAVAILABLE: what was known remains */
  async refresh(): Promise<void> {
    const { rpc, now, payees, coordinator: to } = this.#options;
    const asked = [...new Set(payees())];
    if (now() < this.#checkAt || asked.length === 0) return;
    const calls = asked.map((payee) => ({
      method: "eth_call",
      params: [
        { to, data: encodeCall(CREDIT_OF, [word(`0x${payee.slice(2).padStart(64, "0")}`)]) },
        "latest",
      ],
    }));
    this.#credits = await rpc.use(async (endpoint) => {
      const replies = await endpoint.send(calls);
      return calls.flatMap((call, index) => {
        const payee = asked[index];
        return payee === undefined
          ? []
          : [{ payee, credit: readReply(endpoint, call, replies[index], bigQuantity) }];
      });
    });
    this.#checkAt = now() + CHECK_MS;
  }
}
