import type { Hex } from "../../protocol/bytes.ts";
import type { ChainContext } from "../chain-context.ts";
import type { ChainHead } from "../chain/chain-source.ts";
import { FREE_DATA, type ReadDataPrice } from "../chain/data-price.ts";
import type { TransactionSigner } from "../chain/signing/transaction-signer.ts";
import { isWorthless, signedBytes, transactionCall } from "../store/transactions/in-flight.ts";
import { insertAttempt, markSent } from "../store/transactions/insert.ts";
import type { OpenTransaction } from "../store/transactions/transaction.ts";
import type { Broadcaster } from "./broadcaster.ts";
import type { FencedCommit } from "./fenced.ts";
import { type Fees, least, offerFees, raiseFees, toWire } from "./fees.ts";
import type { Funds } from "./funds.ts";
import { giveUp } from "./give-up.ts";
import type { InFlight } from "./in-flight.ts";
import type { Shortfall } from "./shortfall.ts";
import type { Tip } from "./tip.ts";
import { trySign } from "./try-sign.ts";

export interface ReplacerOptions extends ChainContext {
  readonly signers: readonly TransactionSigner[];
  readonly funds: Pick<Funds, "covers">;
  readonly commit: FencedCommit;
  readonly broadcaster: Broadcaster;
  readonly shortfall: Shortfall;
  readonly inFlight: Pick<InFlight, "isUsed">;
  readonly tip: Tip;
  readonly bumpAfterMs: number;
  readonly feeCap: bigint;
  /** Absent where bytes cost their gas alone. */
  readonly readDataPrice?: ReadDataPrice;
}

interface Stuck {
  readonly signer: TransactionSigner;
  readonly transaction: OpenTransaction;
  /** Whether later nonces of its key wait for it. */
  readonly holdsUp: boolean;
}

/** Sends again what the network may have lost, and raises the offer of what nobody mines. */
export class Replacer {
  readonly #options: ReplacerOptions;
  /** Committed bytes may never have been broadcast. */
  #resend = true;
  /** The head at which offers were raised last. */
  #raisedAt: Hex | undefined;

  constructor(options: ReplacerOptions) {
    this.#options = options;
  }

  /** All that is in flight is sent again at the next occasion. */
  resendAll(): void {
    this.#resend = true;
  }

  /** @returns whether there was any to push */
  async push(head: ChainHead, pending: readonly OpenTransaction[]): Promise<boolean> {
    const { store, now, bumpAfterMs, funds, commit, broadcaster, shortfall, inFlight } = this.#options;
    // A higher offer does not help a transaction that was mined, or lost to another of our key.
    const stuck = pending.filter(({ id, sentAt }) => now() - sentAt > bumpAfterMs && !inFlight.isUsed(id));
    const paid = pending.filter(
      ({ id, signer }) => shortfall.isRefused(id) && funds.covers(signer, shortfall.lacking(pending, signer)),
    );
    if (!this.#resend && stuck.length === 0 && paid.length === 0) return false;
    const again = this.#resend ? pending : pending.filter((one) => stuck.includes(one) || paid.includes(one));
    const hashes = again.flatMap(({ attempts }) => attempts.slice(-1)).map(({ hash }) => hash);
    await broadcaster.broadcast(await signedBytes(store, hashes), again);
    this.#resend = false;
    if (stuck.length > 0) {
      await commit((trx) =>
        markSent(
          trx,
          stuck.map(({ id }) => id),
          now(),
        ),
      );
    }
    // Without a new block nobody has refused the offer.
    if (stuck.length > 0 && this.#raisedAt !== head.latest.hash) {
      this.#raisedAt = head.latest.hash;
      await this.#replaceLowest(head, stuck, pending);
    }
    return true;
  }

  /** Only the lowest nonce of a key holds the others up. */
  async #replaceLowest(
    head: ChainHead,
    stuck: readonly OpenTransaction[],
    pending: readonly OpenTransaction[],
  ): Promise<void> {
    for (const signer of this.#options.signers) {
      const ofSigner = ({ signer: address }: OpenTransaction): boolean => address === signer.address;
      const lowest = stuck.find(ofSigner);
      if (lowest !== undefined) {
        const holdsUp = pending.some((other) => ofSigner(other) && other.nonce > lowest.nonce);
        await this.#replace(head, { signer, transaction: lowest, holdsUp });
      }
    }
  }

  /**
   * Offers more for it, as far as what it does is worth it. One that is worth less than gas costs now gives its nonce to a
   * transfer of nothing, if others wait behind it: its requests are settled later. One that can only revert does so in any
   * case: its requests wait for it to end.
   */
  async #replace(head: ChainHead, { signer, transaction, holdsUp }: Stuck): Promise<void> {
    const { store, chainId, feeCap, now, log, commit, broadcaster, shortfall, tip, readDataPrice } =
      this.#options;
    const { id, nonce } = transaction;
    const last = transaction.attempts[transaction.attempts.length - 1];
    if (last === undefined) return;
    const priorityFee = await tip.read();
    const baseFee = head.latest.baseFeePerGas ?? 0n;
    const raised = (cap: bigint): Fees | undefined =>
      baseFee > cap ? undefined : raiseFees(last, offerFees(head.latest, priorityFee, cap), { baseFee, cap });
    const isVain = await isWorthless(store, transaction, head.latest.timestamp);
    const worth = isVain ? undefined : raised(least(transaction.feeCap ?? feeCap, feeCap));
    const isTooDear = baseFee > last.maxFee;
    const fees = worth ?? (isVain || (holdsUp && isTooDear) ? raised(feeCap) : undefined);
    if (fees === undefined) {
      log.warn("transaction.capped", { transaction: id, nonce });
      return;
    }
    // Nobody mines it since nobody has it: a higher offer would only need more.
    if (worth !== undefined && (shortfall.isRefused(id) || broadcaster.isUnsent(id))) {
      if (broadcaster.isUnsent(id)) log.warn("transaction.unsent", { transaction: id, nonce });
      return;
    }
    const call =
      worth === undefined
        ? giveUp(signer.address, (await readDataPrice?.(head.latest)) ?? FREE_DATA)
        : await transactionCall(store, id);
    const signed = await trySign(signer, { chainId, nonce, ...call, ...toWire(fees) }, log);
    if (signed === undefined) return;
    await commit((trx) => insertAttempt(trx, id, { ...signed, ...fees }, now()));
    const event = worth === undefined ? "transaction.given-up" : "transaction.replaced";
    log.info(event, { transaction: id, nonce, maxFee: fees.maxFee });
    const attempts = [...transaction.attempts, { hash: signed.hash, ...fees }];
    await broadcaster.broadcast([signed.raw], [{ ...transaction, attempts }]);
  }
}
