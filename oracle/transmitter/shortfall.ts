import type { Hex } from "../../protocol/bytes.ts";
import type { ChainError } from "../../protocol/errors.ts";
import type { OpenTransaction } from "../store/transactions.ts";
import type { Funds } from "./funds.ts";
import { reserve } from "./key-loads.ts";

/** What keys lack for what they are to send: a key above the floor may still have too little for it. */
export class Shortfall {
  readonly #funds: Pick<Funds, "require">;
  /** Transactions that the node refused since their key has too little. */
  readonly #refused = new Set<number>();
  /** The least that a key needs for what is due, where no key can pay for any of it. */
  #due: bigint | undefined;

  constructor(funds: Pick<Funds, "require">) {
    this.#funds = funds;
  }

  /** Notes what the node said of a transaction; `undefined`: it has it. */
  note(id: number, error: ChainError | undefined): void {
    if (error?.code === "CHAIN_FUNDS_LOW") {
      this.#refused.add(id);
    } else if (error?.code !== "CHAIN_RPC_UNAVAILABLE") {
      this.#refused.delete(id);
    }
  }

  /** Notes what the cheapest of the transactions that are due may cost; `undefined` where one can be paid, or none is due. */
  noteDue(cost: bigint | undefined): void {
    this.#due = cost;
  }

  /** Whether any transaction is refused. */
  get hasRefused(): boolean {
    return this.#refused.size > 0;
  }

  isRefused(id: number): boolean {
    return this.#refused.has(id);
  }

  /** Wei with which a node takes what it refused: it sets aside what the nonces before may cost. 0 where it refused nothing. */
  lacking(pending: readonly OpenTransaction[], address: Hex): bigint {
    if (!this.hasRefused) {
      return 0n;
    }
    const mine = pending.filter(({ signer }) => signer === address);
    return reserve(mine.slice(0, mine.findLastIndex(({ id }) => this.#refused.has(id)) + 1));
  }

  /** Makes a key that lacks something one that cannot pay, until it has it. */
  tell(pending: readonly OpenTransaction[], addresses: readonly Hex[]): void {
    if (this.hasRefused) {
      const open = new Set(pending.map(({ id }) => id));
      for (const id of this.#refused) {
        if (!open.has(id)) this.#refused.delete(id);
      }
    }
    const due = this.#due ?? 0n;
    for (const address of addresses) {
      const lacking = this.lacking(pending, address);
      this.#funds.require(address, lacking > due ? lacking : due);
    }
  }
}
