import type { Hex } from "../../protocol/bytes.ts";
import type { ChainContext } from "../chain-context.ts";
import type { ChainHead } from "../chain/chain-source.ts";
import type { ReadDataPrice } from "../chain/data-price.ts";
import type { TransactionSigner } from "../chain/signing/transaction-signer.ts";
import { newestBlock } from "../store/blocks.ts";
import { pendingTransactions } from "../store/transactions/in-flight.ts";
import { insertTransactions } from "../store/transactions/insert.ts";
import {
  finalizeTransactions,
  markSettlingTransactions,
  type RecordedOutcomes,
  recordOutcomes,
  type TransactionOutcome,
} from "../store/transactions/outcomes.ts";
import type { OpenTransaction } from "../store/transactions/transaction.ts";
import type { Broadcaster } from "./broadcaster.ts";
import { Confirmations } from "./confirmations.ts";
import type { FencedCommit } from "./fenced.ts";
import { NonceHoles } from "./nonce-holes.ts";
import { readTransactionCounts } from "./nonces.ts";
import type { Tip } from "./tip.ts";

export interface InFlightOptions extends ChainContext {
  readonly signers: readonly TransactionSigner[];
  readonly commit: FencedCommit;
  readonly broadcaster: Broadcaster;
  readonly tip: Tip;
  readonly bumpAfterMs: number;
  readonly feeCap: bigint;
  /** Absent where bytes cost their gas alone. */
  readonly readDataPrice?: ReadDataPrice;
}

const NOTHING_RECORDED: RecordedOutcomes = { recorded: [], awaited: undefined };

/** The transactions that were sent and have not ended, as the store has them: nobody else writes it while the lease is this process's. */
export class InFlight {
  readonly #options: InFlightOptions;
  readonly #confirmations: Confirmations;
  readonly #holes: NonceHoles;
  #view: { readonly head: Hex; readonly pending: readonly OpenTransaction[] } | undefined;
  /** The lowest block in which the node has one of our transactions, while the journal has yet to read it. */
  #awaited: number | undefined;

  constructor(options: InFlightOptions) {
    this.#options = options;
    this.#confirmations = new Confirmations(options);
    this.#holes = new NonceHoles(options);
  }

  /** `undefined` where it has to be read anew. */
  get pending(): readonly OpenTransaction[] | undefined {
    return this.#view?.pending;
  }

  /** The store may have changed: it is read anew. */
  forget(): void {
    this.#view = undefined;
  }

  /** Another process may have sent meanwhile: what was observed counts no more. */
  clear(): void {
    this.forget();
    this.#confirmations.clear();
    this.#holes.clear();
  }

  /** Whether its nonce was seen used up, by whichever transaction: no higher offer helps it. */
  isUsed(id: number): boolean {
    return this.#confirmations.isUsed(id);
  }

  /** They were committed under this head. */
  add(head: ChainHead, sent: readonly OpenTransaction[]): void {
    this.#view = { head: head.latest.hash, pending: [...(this.pending ?? []), ...sent] };
  }

  async reload(head: ChainHead): Promise<readonly OpenTransaction[]> {
    const { store, chainId } = this.#options;
    const pending = await pendingTransactions(store, chainId);
    this.#view = { head: head.latest.hash, pending };
    return pending;
  }

  /** Finds out what became of it, with each block, and fills the holes below it. */
  async follow(head: ChainHead): Promise<readonly OpenTransaction[]> {
    const { store, chainId } = this.#options;
    let pending = this.#view?.pending;
    if (pending === undefined || this.#view?.head !== head.latest.hash || (await this.#hasReadAwaited())) {
      // Read again with each block: the journal may have re-opened what a reorg dropped.
      pending = await this.#settle(head, await pendingTransactions(store, chainId));
      this.#view = { head: head.latest.hash, pending };
    }
    return (await this.#fillHoles(head)) ? this.reload(head) : pending;
  }

  /** A journal that catches up reads many blocks under one head. */
  async #hasReadAwaited(): Promise<boolean> {
    const { store, chainId } = this.#options;
    return this.#awaited !== undefined && this.#awaited <= (await newestBlock(store, chainId));
  }

  async #settle(head: ChainHead, pending: readonly OpenTransaction[]): Promise<OpenTransaction[]> {
    const { chainId, commit, log } = this.#options;
    const { settled, others, closed } = await commit(async (trx) => {
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
        : await commit((trx) => recordOutcomes(trx, chainId, outcomes));
    this.#awaited = awaited;
    if (settled.size + recorded.length > 0)
      log.debug("step.mined", { transactions: settled.size + recorded.length });
    if (closed > 0) log.debug("step.final", { transactions: closed });
    for (const { id, state } of recorded)
      log[state === "mined" ? "debug" : "warn"]("transaction.outcome", { transaction: id, state });
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

  /** @returns whether there was any that has waited long enough */
  async #fillHoles(head: ChainHead): Promise<boolean> {
    const { signers, commit, broadcaster, tip, now, log } = this.#options;
    const due = signers.filter(({ address }) => this.#holes.isDue(address));
    const priorityFee = due.length === 0 ? 0n : await tip.read();
    const filled = await Promise.all(due.map((signer) => this.#holes.fill(signer, head.latest, priorityFee)));
    const transfers = filled.flat();
    if (transfers.length === 0) return false;
    const sent = await commit((trx) => insertTransactions(trx, transfers, now()));
    for (const { id, signer, nonce } of sent)
      log.warn("transaction.hole-filled", { transaction: id, address: signer, nonce });
    await broadcaster.broadcast(
      transfers.map(({ raw }) => raw),
      sent,
    );
    return true;
  }
}
