import type { ChainContext } from "../chain-context.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { bigQuantity } from "../chain/rpc/block.ts";
import { readReply } from "../chain/rpc/rpc-pool.ts";

export interface FundsOptions extends Pick<ChainContext, "chainId" | "rpc" | "log" | "now"> {
  readonly addresses: readonly Hex[];
  /** Wei: a key with less is not used for new transactions. */
  readonly floor: bigint;
}

export interface KeyFunds {
  readonly address: Hex;
  /** Wei; `null` until it was read. */
  readonly balance: bigint | null;
  readonly usable: boolean;
}

const CHECK_MS = 5_000;
/** Where a key cannot be used, its operator may be sending money at this moment. */
const LOW_CHECK_MS = 1_000;

/** Which transmitter keys can pay on one chain. Until a balance was read, its key is not used. */
export class Funds {
  readonly #options: FundsOptions;
  readonly #balances = new Map<Hex, bigint>();
  /** Wei that a key must have for what it is to pay, where that is known. */
  readonly #required = new Map<Hex, bigint>();
  /** Keys that were said to be low, and what was said to be needed. */
  readonly #said = new Map<Hex, bigint>();
  #checkAt = 0;

  constructor(options: FundsOptions) {
    this.#options = options;
  }

  get keys(): readonly KeyFunds[] {
    return this.#options.addresses.map((address) => ({
      address,
      balance: this.#balances.get(address) ?? null,
      usable: this.isUsable(address),
    }));
  }

  isUsable(address: Hex): boolean {
    return this.covers(address, this.#required.get(address) ?? 0n);
  }

  /** Whether the key is above the floor, and has `amount`. */
  covers(address: Hex, amount: bigint): boolean {
    const balance = this.#balances.get(address);
    return balance !== undefined && balance >= this.#options.floor && balance >= amount;
  }

  hasUsable(): boolean {
    return this.#options.addresses.some((address) => this.isUsable(address));
  }

  /** The key is not usable with less than `amount`, though that be above the floor; `0n`: the floor alone counts again. */
  require(address: Hex, amount: bigint): void {
    const before = this.#required.get(address) ?? 0n;
    if (amount > before) {
      // Its known balance may be old.
      this.#checkAt = 0;
    }
    this.#required.set(address, amount);
    if (amount !== before) this.#say(address);
  }

  /**
   * Reads the balances when it is time to; says when a key falls below the floor, and when it is above it again.
   *
   * @returns whether a key became usable
   * @throws {ChainError} CHAIN_RPC_UNAVAILABLE: what was known remains
   */
  async refresh(): Promise<boolean> {
    const { addresses, now } = this.#options;
    if (now() < this.#checkAt) return false;
    const balances = await this.#read();
    let restored = false;
    for (const [index, address] of addresses.entries())
      restored = this.#note(address, balances[index] ?? 0n) || restored;
    const allUsable = addresses.every((address) => this.isUsable(address));
    this.#checkAt = now() + (allUsable ? CHECK_MS : LOW_CHECK_MS);
    return restored;
  }

  async #read(): Promise<bigint[]> {
    const { rpc, addresses } = this.#options;
    const calls = addresses.map((address) => ({ method: "eth_getBalance", params: [address, "latest"] }));
    return rpc.use(async (endpoint) => {
      const replies = await endpoint.send(calls);
      return calls.map((call, index) => readReply(endpoint, call, replies[index], bigQuantity));
    });
  }

  /** @returns whether the key became usable */
  #note(address: Hex, balance: bigint): boolean {
    const wasLow = this.#said.has(address);
    this.#balances.set(address, balance);
    this.#say(address);
    return wasLow && !this.#said.has(address);
  }

  /** Once when it is low, again when what is needed has doubled, and when it can pay again. */
  #say(address: Hex): void {
    const { chainId, floor, log } = this.#options;
    const balance = this.#balances.get(address);
    const required = this.#required.get(address) ?? 0n;
    const needed = required > floor ? required : floor;
    const said = this.#said.get(address);
    if (balance === undefined) return;
    if (this.isUsable(address)) {
      if (this.#said.delete(address)) log.info("funds.restored", { chainId, address, balance, floor });
    } else if (said === undefined || needed >= 2n * said) {
      this.#said.set(address, needed);
      log.error("funds.low", {
        chainId,
        address,
        balance,
        floor,
        needed,
        action: "send ether to this address",
      });
    }
  }
}
