import { fromHex } from "../../protocol/bytes.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import type { RpcPool } from "../chain/rpc-pool.ts";
import type { ChainHead } from "../chain/chain-source.ts";
import { toChainError } from "../chain/revert.ts";
import type { SignedTransaction, TransactionSigner } from "../chain/transaction-signer.ts";
import { Wakeable } from "../engine/wakeable.ts";
import type { Logger } from "../log.ts";
import type { HeldLease } from "../engine/held-lease.ts";
import { newestBlock } from "../store/blocks.ts";
import type { Store, StoreTransaction } from "../store/store.ts";
import type {
  NewTransaction,
  OpenTransaction,
  RecordedOutcomes,
  TransactionOutcome,
} from "../store/transactions.ts";
import {
  finalizeTransactions,
  insertAttempt,
  insertTransactions,
  isWorthless,
  markSent,
  markSettlingTransactions,
  pendingTransactions,
  recordOutcomes,
  signedBytes,
  transactionCall,
} from "../store/transactions.ts";
import { Confirmations } from "./confirmations.ts";
import type { Fees } from "./fees.ts";
import { offerFees, raiseFees, readTip, toWire } from "./fees.ts";
import type { Funds } from "./funds.ts";
import { giveUp } from "./give-up.ts";
import { KeyLoads } from "./key-loads.ts";
import { NonceHoles } from "./nonce-holes.ts";
import { readNextNonce, readTransactionCounts } from "./nonces.ts";
import type { PlannedTransaction } from "./planned-transaction.ts";
import { Shortfall } from "./shortfall.ts";
import { trySign } from "./try-sign.ts";

export interface TransmitterOptions {
  readonly chainId: number;
  readonly rpc: RpcPool;
  readonly store: Store;
  readonly log: Logger;
  readonly signers: readonly [TransactionSigner, ...TransactionSigner[]];
  readonly funds: Pick<Funds, "covers" | "require">;
  /** Whoever holds it follows the chain and sends its transactions. */
  readonly lease: HeldLease;
  /** Thinks out at most `limit` transactions that are due and simulate well; called again after each round. */
  readonly plan: (head: ChainHead, limit: number) => Promise<readonly PlannedTransaction[]>;
  readonly head: () => ChainHead | undefined;
  /** Milliseconds. */
  readonly now: () => number;
  /** Transactions of one key in flight; nodes drop more (geth keeps 64 of an account beyond the next). */
  readonly maxInFlight: number;
  /** Milliseconds without being mined, after which the offer is raised. */
  readonly bumpAfterMs: number;
  /** Wei per gas that is never exceeded, whatever a request would repay. */
  readonly feeCap: bigint;
}

const IDLE_MS = 1_000;
/** How long a priority fee is offered that the node named: an offer too low is raised when nobody mines it. */
const TIP_MS = 3_000;

/**
 * Sends what `plan` proposes on one chain. Nonce and signed bytes are committed before the first broadcast, so whatever
 * is lost after that, the same bytes are sent again; a reorg re-opens what it dropped.
 */
export class Transmitter {
  readonly #options: TransmitterOptions;
  readonly #loop: Wakeable;
  readonly #nextNonce = new Map<Hex, number>();
  #term = 0;
  /** What is in flight, as the store has it since `head`; nobody else writes it while the lease is ours. */
  #inFlight: { readonly head: Hex; readonly pending: readonly OpenTransaction[] } | undefined;
  /** The lowest block in which the node has one of our transactions, while the journal has yet to read it. */
  #awaited: number | undefined;
  #tip: { readonly value: bigint; readonly readAt: number } | undefined;
  #resend = true;
  /** The head at which offers were raised last. */
  #raisedAt: Hex | undefined;
  readonly #shortfall: Shortfall;
  readonly #confirmations: Confirmations;
  readonly #holes: NonceHoles;

  constructor(options: TransmitterOptions) {
    this.#options = options;
    this.#shortfall = new Shortfall(options.funds);
    this.#confirmations = new Confirmations(options);
    this.#holes = new NonceHoles(options);
    this.#loop = new Wakeable(IDLE_MS, () => this.#step());
  }

  wake(): void {
    this.#loop.wake();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #step(): Promise<boolean> {
    const { log, head, now, signers } = this.#options;
    const addresses = signers.map(({ address }) => address);
    const current = head();
    if (current === undefined) {
      return false;
    }
    try {
      if (!this.#isOurs()) {
        this.#shortfall.noteDue(undefined);
        this.#shortfall.tell([], addresses);
        return false;
      }
      const pending = await this.#watch(current);
      const more = await this.#send(current, pending);
      this.#shortfall.tell(this.#inFlight?.pending ?? pending, addresses);
      return more;
    } catch (error) {
      // All is read anew: the failure may have come before or after the commit.
      this.#nextNonce.clear();
      this.#inFlight = undefined;
      log.warn("transmitter.step-failed", { error, at: now() });
      return false;
    }
  }

  #isOurs(): boolean {
    const { lease } = this.#options;
    if (lease.isHeld() && this.#term !== lease.term) {
      // Another node may have sent meanwhile, or this one just started: committed bytes may never have been broadcast.
      this.#term = lease.term;
      this.#nextNonce.clear();
      this.#inFlight = undefined;
      this.#confirmations.clear();
      this.#holes.clear();
      this.#resend = true;
    }
    return lease.isHeld();
  }

  /** Finds out what became of the transactions in flight, and pushes those that are stuck. */
  async #watch(head: ChainHead): Promise<readonly OpenTransaction[]> {
    const { store, chainId } = this.#options;
    if (this.#inFlight?.head !== head.latest.hash || (await this.#hasReadAwaited())) {
      // Read again with each block: the journal may have re-opened what a reorg dropped.
      const pending = await this.#settle(head, await pendingTransactions(store, chainId));
      this.#inFlight = { head: head.latest.hash, pending };
    }
    if (await this.#fillHoles(head)) {
      this.#inFlight = { head: head.latest.hash, pending: await pendingTransactions(store, chainId) };
    }
    if (await this.#push(head, this.#inFlight.pending)) {
      this.#inFlight = { head: head.latest.hash, pending: await pendingTransactions(store, chainId) };
    }
    return this.#inFlight.pending;
  }

  /** A journal that catches up reads many blocks under one head. */
  async #hasReadAwaited(): Promise<boolean> {
    const { store, chainId } = this.#options;
    return this.#awaited !== undefined && this.#awaited <= (await newestBlock(store, chainId));
  }

  async #settle(head: ChainHead, pending: readonly OpenTransaction[]): Promise<OpenTransaction[]> {
    const { chainId, log } = this.#options;
    const { settled, others, closed } = await this.#commit(async (trx) => {
      const ids = new Set(pending.length === 0 ? [] : await markSettlingTransactions(trx, chainId, pending));
      return {
        settled: ids,
        others: pending.filter(({ id }) => !ids.has(id)),
        closed: await finalizeTransactions(trx, chainId, head.settledNumber),
      };
    });
    const outcomes = await this.#readOutcomes(others);
    const { recorded, awaited } =
      outcomes.length === 0
        ? NOTHING_RECORDED
        : await this.#commit((trx) => recordOutcomes(trx, chainId, outcomes));
    this.#awaited = awaited;
    if (settled.size + recorded.length > 0) {
      log.debug("step.mined", { transactions: settled.size + recorded.length });
    }
    if (closed > 0) {
      log.debug("step.final", { transactions: closed });
    }
    for (const { id, state } of recorded) {
      log[state === "mined" ? "debug" : "warn"]("transaction.outcome", { transaction: id, state });
    }
    const done = new Set(recorded.map(({ id }) => id));
    return others.filter(({ id }) => !done.has(id));
  }

  /** Of transactions that settled nothing that the journal has read: admissions, and what failed or was lost. */
  async #readOutcomes(pending: readonly OpenTransaction[]): Promise<TransactionOutcome[]> {
    const counts = await readTransactionCounts(
      this.#options.rpc,
      new Set(pending.map(({ signer }) => signer)),
    );
    this.#holes.note(pending, counts);
    return this.#confirmations.read(pending, counts);
  }

  /** In a transaction that fails when the lease is another's. */
  #commit<T>(work: (trx: StoreTransaction) => Promise<T>): Promise<T> {
    const { store, lease } = this.#options;
    return store.db.transaction().execute(async (trx) => {
      await lease.require(trx);
      return work(trx);
    });
  }

  /** @returns whether there was any that has waited long enough */
  async #fillHoles(head: ChainHead): Promise<boolean> {
    const { signers, now, log } = this.#options;
    const due = signers.filter(({ address }) => this.#holes.isDue(address));
    const tip = due.length === 0 ? 0n : await this.#readTip();
    const filled = await Promise.all(due.map((signer) => this.#holes.fill(signer, head.latest, tip)));
    const transfers = filled.flat();
    if (transfers.length === 0) {
      return false;
    }
    const sent = await this.#commit((trx) => insertTransactions(trx, transfers, now()));
    for (const { id, signer, nonce } of sent) {
      log.warn("transaction.hole-filled", { transaction: id, address: signer, nonce });
    }
    await this.#broadcast(
      transfers.map(({ raw }) => raw),
      sent,
    );
    return true;
  }

  /**
   * Sends again what the network may have lost, and raises the offer of what nobody mines.
   *
   * @returns whether there was any
   */
  async #push(head: ChainHead, pending: readonly OpenTransaction[]): Promise<boolean> {
    const { now, bumpAfterMs, funds } = this.#options;
    // What was mined, or lost to another transaction of our key, is not helped by a higher offer.
    const stuck = pending.filter(
      ({ id, sentAt }) => now() - sentAt > bumpAfterMs && !this.#confirmations.isUsed(id),
    );
    const paid = pending.filter(
      ({ id, signer }) =>
        this.#shortfall.isRefused(id) && funds.covers(signer, this.#shortfall.lacking(pending, signer)),
    );
    if (!this.#resend && stuck.length === 0 && paid.length === 0) {
      return false;
    }
    const again = this.#resend ? pending : pending.filter((one) => stuck.includes(one) || paid.includes(one));
    const hashes = again.flatMap(({ attempts }) => attempts.slice(-1)).map(({ hash }) => hash);
    await this.#broadcast(await signedBytes(this.#options.store, hashes), again);
    this.#resend = false;
    if (stuck.length > 0) {
      await this.#commit((trx) =>
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
    const { store, chainId, feeCap, now, log } = this.#options;
    const { id, nonce } = transaction;
    const last = transaction.attempts[transaction.attempts.length - 1];
    if (last === undefined) {
      return;
    }
    const tip = await this.#readTip();
    const baseFee = head.latest.baseFeePerGas ?? 0n;
    const raised = (cap: bigint): Fees | undefined =>
      baseFee > cap ? undefined : raiseFees(last, offerFees(head.latest, tip, cap), cap);
    const isVain = await isWorthless(store, transaction, head.latest.timestamp);
    const worth = isVain ? undefined : raised(least(transaction.feeCap ?? feeCap, feeCap));
    const isTooDear = baseFee > last.maxFee;
    const fees = worth ?? (isVain || (holdsUp && isTooDear) ? raised(feeCap) : undefined);
    if (fees === undefined) {
      log.warn("transaction.capped", { transaction: id, nonce });
      return;
    }
    if (worth !== undefined && this.#shortfall.isRefused(id)) {
      // Nobody mines it since nobody has it: a higher offer would only need more.
      return;
    }
    const call = worth === undefined ? giveUp(signer.address) : await transactionCall(store, id);
    const signed = await trySign(signer, { chainId, nonce, ...call, ...toWire(fees) }, log);
    if (signed === undefined) {
      return;
    }
    await this.#commit((trx) => insertAttempt(trx, id, { ...signed, ...fees }, now()));
    const event = worth === undefined ? "transaction.given-up" : "transaction.replaced";
    log.info(event, { transaction: id, nonce, maxFee: fees.maxFee });
    const attempts = [...transaction.attempts, { hash: signed.hash, ...fees }];
    await this.#broadcast([signed.raw], [{ ...transaction, attempts }]);
  }

  /** @returns whether there may be more to send at once */
  async #send(head: ChainHead, pending: readonly OpenTransaction[]): Promise<boolean> {
    const { plan, signers, funds, now, maxInFlight, log } = this.#options;
    const funded = signers.filter(
      ({ address }) => this.#shortfall.lacking(pending, address) === 0n && funds.covers(address, 0n),
    );
    const free =
      funded.length * maxInFlight - funded.reduce((sum, { address }) => sum + count(pending, address), 0);
    if (free <= 0) {
      return false;
    }
    const planned = await plan(head, free);
    if (planned.length === 0) {
      this.#shortfall.noteDue(undefined);
      return false;
    }
    const transactions = await this.#sign(head, planned, { pending, funded });
    if (transactions.length === 0) {
      return false;
    }
    const sent = await this.#commit((trx) => insertTransactions(trx, transactions, now()));
    this.#inFlight = { head: head.latest.hash, pending: [...pending, ...sent] };
    log.debug("step.committed", { transactions: transactions.length });
    await this.#broadcast(
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
    const { chainId, feeCap, maxInFlight, funds, log } = this.#options;
    const tip = await this.#readTip();
    const loads = new KeyLoads({ pending, funds, maxInFlight });
    const signed: NewTransaction[] = [];
    const unpaid: bigint[] = [];
    this.#shortfall.noteDue(undefined);
    let available = funded;
    for (const transaction of planned) {
      const cap = least(transaction.feeCap, feeCap);
      const fees = offerFees(head.latest, tip, cap);
      const cost = BigInt(transaction.gasLimit) * fees.maxFee;
      if (available.length > 0 && available.every(({ address }) => !funds.covers(address, cost))) {
        unpaid.push(cost);
        continue;
      }
      let bytes: SignedTransaction | undefined;
      while (bytes === undefined) {
        const signer = loads.leastLoaded(available, cost);
        if (signer === undefined) {
          return signed;
        }
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
    this.#shortfall.noteDue(signed.length === 0 && unpaid.length > 0 ? unpaid.reduce(least) : undefined);
    return signed;
  }

  async #takeNonce(address: Hex): Promise<number> {
    const { rpc, store, chainId } = this.#options;
    const nonce = this.#nextNonce.get(address) ?? (await readNextNonce(rpc, store, chainId, address));
    this.#nextNonce.set(address, nonce + 1);
    return nonce;
  }

  async #readTip(): Promise<bigint> {
    const { rpc, now } = this.#options;
    if (this.#tip === undefined || now() - this.#tip.readAt > TIP_MS) {
      this.#tip = { value: await readTip(rpc), readAt: now() };
    }
    return this.#tip.value;
  }

  /** @param transactions those that the bytes are of */
  async #broadcast(signed: readonly Hex[], transactions: readonly OpenTransaction[]): Promise<void> {
    const { rpc, log } = this.#options;
    const replies = await rpc.send(
      signed.map((raw) => ({ method: "eth_sendRawTransaction", params: [raw] })),
    );
    replies.forEach((reply, index) => {
      const isThere = reply.ok || KNOWN.test(reply.failure.message);
      if (isThere && !this.#shortfall.hasRefused) {
        return;
      }
      const hash = keccak(fromHex(signed[index] ?? "0x"));
      const error = isThere ? undefined : toChainError("eth_sendRawTransaction", reply.failure);
      const transaction = transactions.find(({ attempts }) => attempts.some((one) => one.hash === hash));
      if (transaction !== undefined) {
        this.#shortfall.note(transaction.id, error);
      }
      if (error !== undefined) {
        log.warn("transaction.refused", { hash, error });
      }
    });
  }
}

interface Stuck {
  readonly signer: TransactionSigner;
  readonly transaction: OpenTransaction;
  /** Whether later nonces of its key wait for it. */
  readonly holdsUp: boolean;
}

const NOTHING_RECORDED: RecordedOutcomes = { recorded: [], awaited: undefined };

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/** The node has it, or has mined it: both are what was wanted. */
const KNOWN = /already known|already imported|known transaction|nonce too low|already exists/i;

function count(pending: readonly OpenTransaction[], address: Hex): number {
  return pending.filter(({ signer }) => signer === address).length;
}
