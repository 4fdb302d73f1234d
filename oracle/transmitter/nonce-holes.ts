import type { ChainContext } from "../chain-context.ts";
import { FREE_DATA, type ReadDataPrice } from "../chain/data-price.ts";
import type { Hex } from "../../protocol/bytes.ts";
import type { BlockHeader } from "../chain/rpc/block.ts";
import type { TransactionSigner } from "../chain/signing/transaction-signer.ts";
import { unknownNonces } from "../store/transactions/nonces.ts";
import type { NewTransaction, OpenTransaction } from "../store/transactions/transaction.ts";
import { offerFees, toWire } from "./fees.ts";
import { giveUp } from "./give-up.ts";
import { trySign } from "./try-sign.ts";

export interface NonceHolesOptions extends Pick<ChainContext, "chainId" | "store" | "log" | "now"> {
  /** Milliseconds that a hole may last: the mempool may hold what this store does not know, and mine it. */
  readonly bumpAfterMs: number;
  /** Wei per gas that is never exceeded. */
  readonly feeCap: bigint;
  /** Absent where bytes cost their gas alone. */
  readonly readDataPrice?: ReadDataPrice;
}

/** Nonces from `from` up to `below` (exclusive), for which the chain waits. */
interface NonceHole {
  readonly from: number;
  readonly below: number;
  /** Milliseconds: when it was first seen. */
  readonly since: number;
}

/** Nonces of one key that are given to transfers of nothing in one round. */
const FILLED_AT_ONCE = 16;

/**
 * Nonces below all that the store has in flight. After a lost store, a node goes on above the nonces that the RPC server remembers: what was sent
 * before that may never be mined, or be gone, and all that follows would wait for it.
 */
export class NonceHoles {
  readonly #options: NonceHolesOptions;
  #holes: ReadonlyMap<Hex, NonceHole> = new Map();

  constructor(options: NonceHolesOptions) {
    this.#options = options;
  }

  clear(): void {
    this.#holes = new Map();
  }

  /**
   * @param pending lowest nonce first
   * @param counts how many transactions of each key the chain holds
   */
  note(pending: readonly OpenTransaction[], counts: ReadonlyMap<Hex, number>): void {
    const holes = [...counts].flatMap(([address, from]): [Hex, NonceHole][] => {
      const below = pending.find(({ signer }) => signer === address)?.nonce;
      return below === undefined || from >= below ? [] : [[address, this.#seen(address, from, below)]];
    });
    this.#holes = new Map(holes);
  }

  /** One that grew smaller is another: what the store does not know is being mined. */
  #seen(address: Hex, from: number, below: number): NonceHole {
    const before = this.#holes.get(address);
    // A server that lags counts fewer than were counted before.
    const isSame = before !== undefined && from <= before.from && before.from < below;
    return isSame ? { ...before, below } : { from, below, since: this.#options.now() };
  }

  isDue(address: Hex): boolean {
    const { now, bumpAfterMs } = this.#options;
    const hole = this.#holes.get(address);
    return hole !== undefined && now() - hole.since > bumpAfterMs;
  }

  /**
   * Nonces of the hole that are missing after this are seen again, and given as long.
   *
   * @returns transfers of nothing, which are raised like whatever else is stuck; none while gas is above the cap
   */
  async fill(signer: TransactionSigner, head: BlockHeader, tip: bigint): Promise<NewTransaction[]> {
    const { store, chainId, feeCap, log, readDataPrice } = this.#options;
    const { address } = signer;
    const hole = this.#holes.get(address);
    this.#holes = new Map([...this.#holes].filter(([other]) => other !== address));
    if (hole === undefined || (head.baseFeePerGas ?? 0n) > feeCap) return [];
    const { from, below } = hole;
    const nonces = await unknownNonces(store, chainId, address, { from, below, limit: FILLED_AT_ONCE });
    const fees = offerFees(head, tip, feeCap);
    const call = giveUp(address, (await readDataPrice?.(head)) ?? FREE_DATA);
    const transfers: NewTransaction[] = [];
    for (const nonce of nonces) {
      const signed = await trySign(signer, { chainId, nonce, ...call, ...toWire(fees) }, log);
      if (signed === undefined) break;
      const what = { kind: "other", feeCap, requestIds: [] } as const;
      transfers.push({ ...what, ...call, ...signed, ...fees, chainId, signer: address, nonce });
    }
    return transfers;
  }
}
