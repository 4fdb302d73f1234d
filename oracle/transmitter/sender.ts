import type { Hex } from "../../protocol/bytes.ts";
import type { ChainContext } from "../chain-context.ts";
import type { ChainHead } from "../chain/chain-source.ts";
import { FREE_DATA, type ReadDataPrice } from "../chain/data-price.ts";
import type { SignedTransaction, TransactionSigner } from "../chain/signing/transaction-signer.ts";
import { insertTransactions } from "../store/transactions/insert.ts";
import type { NewTransaction, OpenTransaction } from "../store/transactions/transaction.ts";
import type { Broadcaster } from "./broadcaster.ts";
import type { FencedCommit } from "./fenced.ts";
import { least, offerFees, toWire } from "./fees.ts";
import type { Funds } from "./funds.ts";
import type { InFlight } from "./in-flight.ts";
import { isHeldUp, KeyLoads } from "./key-loads.ts";
import { readNextNonce } from "./nonces.ts";
import type { PlannedTransaction } from "./planned-transaction.ts";
import type { Room } from "./room.ts";
import type { Shortfall } from "./shortfall.ts";
import type { Tip } from "./tip.ts";
import { trySign } from "./try-sign.ts";

export interface SenderOptions extends ChainContext {
  readonly signers: readonly TransactionSigner[];
  readonly funds: Pick<Funds, "covers">;
  readonly plan: (head: ChainHead, room: Room) => Promise<readonly PlannedTransaction[]>;
  readonly commit: FencedCommit;
  readonly broadcaster: Broadcaster;
  readonly shortfall: Shortfall;
  readonly inFlight: Pick<InFlight, "add">;
  readonly tip: Tip;
  readonly maxInFlight: number;
  readonly feeCap: bigint;
  /** Absent where bytes cost their gas alone. */
  readonly readDataPrice?: ReadDataPrice;
}

/** Signs, commits and broadcasts what is due, as far as the keys have room and money. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #nextNonce = new Map<Hex, number>();

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Nonces are asked for anew: somebody else may have used them, or a commit failed. */
  forgetNonces(): void {
    this.#nextNonce.clear();
  }

  /** @returns whether there may be more to send at once */
  async send(head: ChainHead, pending: readonly OpenTransaction[]): Promise<boolean> {
    const { plan, signers, funds, now, maxInFlight, log, commit, broadcaster, shortfall, inFlight } =
      this.#options;
    const paying = signers.filter(
      ({ address }) => shortfall.lacking(pending, address) === 0n && funds.covers(address, 0n),
    );
    // A nonce that nobody mines holds up what its key has sent, and nothing that another key can send.
    const moving = paying.filter(({ address }) => !isHeldUp(pending, address));
    const funded = moving.length > 0 ? moving : paying;
    const all = funded.length * maxInFlight;
    const free = all - funded.reduce((sum, { address }) => sum + count(pending, address), 0);
    if (free <= 0) return false;
    const planned = await plan(head, { free, all, pending });
    if (planned.length === 0) {
      shortfall.noteDue(undefined);
      return false;
    }
    const transactions = await this.#sign(head, planned, { pending, funded });
    if (transactions.length === 0) return false;
    const sent = await commit((trx) => insertTransactions(trx, transactions, now()));
    inFlight.add(head, sent);
    log.debug("step.committed", { transactions: transactions.length });
    await broadcaster.broadcast(
      transactions.map(({ raw }) => raw),
      sent,
    );
    log.debug("step.broadcast", { transactions: transactions.length });
    return true;
  }

  async #sign(
    head: ChainHead,
    planned: readonly PlannedTransaction[],
    {
      pending,
      funded,
    }: { readonly pending: readonly OpenTransaction[]; readonly funded: readonly TransactionSigner[] },
  ): Promise<NewTransaction[]> {
    const { chainId, feeCap, maxInFlight, funds, log, shortfall, tip, readDataPrice } = this.#options;
    const priorityFee = await tip.read();
    const price = (await readDataPrice?.(head.latest)) ?? FREE_DATA;
    const loads = new KeyLoads({ pending, funds, maxInFlight });
    const signed: NewTransaction[] = [];
    const unpaid: bigint[] = [];
    shortfall.noteDue(undefined);
    let available = funded;
    const baseFee = head.latest.baseFeePerGas ?? 0n;
    for (const transaction of planned) {
      const cap = least(transaction.feeCap, feeCap);
      // Whoever planned it, or whoever set its cap, may not have seen this block: the others do not wait for its price to fall.
      if (baseFee > cap) {
        log.warn("transaction.too-dear", { kind: transaction.kind, to: transaction.to, baseFee, cap });
        continue;
      }
      const fees = offerFees(head.latest, priorityFee, cap);
      const dataFee = price.wei((transaction.data.length - 2) / 2);
      const cost = BigInt(transaction.gasLimit) * fees.maxFee + dataFee;
      if (available.length > 0 && available.every(({ address }) => !funds.covers(address, cost))) {
        unpaid.push(cost);
        continue;
      }
      let bytes: SignedTransaction | undefined;
      while (bytes === undefined) {
        const signer = loads.choose(available, cost, transaction.requestIds[0]);
        if (signer === undefined) return signed;
        const nonce = await this.#takeNonce(signer.address);
        const { to, data, gasLimit } = transaction;
        bytes = await trySign(signer, { chainId, nonce, to, data, gasLimit, ...toWire(fees) }, log);
        if (bytes === undefined) {
          this.#nextNonce.set(signer.address, nonce);
          available = available.filter((other) => other !== signer);
        } else {
          signed.push({ ...transaction, ...bytes, ...fees, chainId, signer: signer.address, nonce });
          loads.add(signer.address, cost);
        }
      }
    }
    shortfall.noteDue(signed.length === 0 && unpaid.length > 0 ? unpaid.reduce(least) : undefined);
    return signed;
  }

  async #takeNonce(address: Hex): Promise<number> {
    const { rpc, store, chainId } = this.#options;
    const nonce = this.#nextNonce.get(address) ?? (await readNextNonce(rpc, store, chainId, address));
    this.#nextNonce.set(address, nonce + 1);
    return nonce;
  }
}

function count(pending: readonly OpenTransaction[], address: Hex): number {
  return pending.filter(({ signer }) => signer === address).length;
}
