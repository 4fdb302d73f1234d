import type { Hex } from "../../protocol/bytes.ts";
import type { ChainError } from "../../protocol/errors.ts";
import type { OpenTransaction } from "../store/transactions/transaction.ts";
import type { Funds } from "./funds.ts";
import { reserve } from "./key-loads.ts";

/** The money that keys lack for their transactions: a key above the floor may still have too little. */
export class Shortfall {
  readonly #funds: Pick<Funds, "require">;
  /** Transactions that the node refused since their key has too little. */
  readonly #refused = new Set<number>();
  /** The least that a key needs for what is due, where no key can pay for any of it. */
  #due: bigint | undefined;

  constructor(funds: Pick<Funds, "require">) {
    this.#funds = funds;
  }

  /** Notes the node's reply to a transaction; `undefined` if the node accepted it. */
  note(id: number, error: ChainError | undefined): void {
    if (error?.code === "CHAIN_FUNDS_LOW") this.#refused.add(id);
    else if (error?.code !== "CHAIN_RPC_UNAVAILABLE" && error?.code !== "CHAIN_RPC_REFUSED")
      this.#refused.delete(id);
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
    if (!this.hasRefused) return 0n;
    const mine = pending.filter(({ signer }) => signer === address);
    return reserve(mine.slice(0, mine.findLastIndex(({ id }) => this.#refused.has(id)) + 1));
  }

  /** Marks an underfunded key unusable until it is topped up. */
  tell(pending: readonly OpenTransaction[], addresses: readonly Hex[]): void {
    if (this.hasRefused) {
      const open = new Set(pending.map(({ id }) => id));
      for (const id of this.#refused) if (!open.has(id)) this.#refused.delete(id);
    }
    const due = this.#due ?? 0n;
    for (const address of addresses) {
      const lacking = this.lacking(pending, address);
      this.#funds.require(address, lacking > due ? lacking : due);
    }
  }
}
