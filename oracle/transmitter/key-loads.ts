import type { Hex } from "../../protocol/bytes.ts";
import type { TransactionSigner } from "../chain/signing/transaction-signer.ts";
import { rendezvousOrder } from "../enclaves/rendezvous.ts";
import type { OpenTransaction } from "../store/transactions/transaction.ts";
import type { Funds } from "./funds.ts";

interface Load {
  transactions: number;
  /** Wei. */
  reserved: bigint;
}

export interface KeyLoadsOptions {
  readonly pending: readonly OpenTransaction[];
  readonly funds: Pick<Funds, "covers">;
  /** Transactions of one key in flight. */
  readonly maxInFlight: number;
}

/** Each key's load in flight, while transactions are given to keys. */
export class KeyLoads {
  readonly #options: KeyLoadsOptions;
  readonly #loads = new Map<Hex, Load>();

  constructor(options: KeyLoadsOptions) {
    this.#options = options;
  }

  /**
   * The key of `available` that has least in flight, of those that can pay `cost` besides that; of several, the one that `requestId` prefers
   * (rendezvous): they empty alike, and the same request goes to the same key after a restart.
   *
   * @returns `undefined` when each of them has to wait until some of it is mined
   */
  choose(
    available: readonly TransactionSigner[],
    cost: bigint,
    requestId: Hex | undefined,
  ): TransactionSigner | undefined {
    const { funds, maxInFlight } = this.#options;
    const able = available.filter(({ address }) => {
      const { transactions, reserved } = this.#of(address);
      return transactions < maxInFlight && funds.covers(address, reserved + cost);
    });
    const least = Math.min(...able.map(({ address }) => this.#of(address).transactions));
    const equal = able.filter(({ address }) => this.#of(address).transactions === least);
    if (requestId === undefined || equal.length < 2) return equal[0];
    return rendezvousOrder(requestId, equal, ({ address }) => address)[0];
  }

  add(address: Hex, cost: bigint): void {
    const load = this.#of(address);
    load.transactions += 1;
    load.reserved += cost;
  }

  #of(address: Hex): Load {
    const known = this.#loads.get(address);
    if (known !== undefined) return known;
    const mine = this.#options.pending.filter(({ signer }) => signer === address);
    const load = { transactions: mine.length, reserved: reserve(mine) };
    this.#loads.set(address, load);
    return load;
  }
}

/**
 * Whether the key's next nonce has had to be offered again: everything that it would send waits behind it.
 */
export function isHeldUp(pending: readonly OpenTransaction[], address: Hex): boolean {
  const next = pending
    .filter(({ signer }) => signer === address)
    .reduce<OpenTransaction | undefined>(
      (first, one) => (first === undefined || one.nonce < first.nonce ? one : first),
      undefined,
    );
  return next !== undefined && next.attempts.length > 1;
}

/** Wei that a node sets aside for transactions in flight. */
export function reserve(pending: readonly OpenTransaction[]): bigint {
  return pending.reduce(
    (sum, { gasLimit, attempts }) => sum + BigInt(gasLimit) * (attempts.at(-1)?.maxFee ?? 0n),
    0n,
  );
}
