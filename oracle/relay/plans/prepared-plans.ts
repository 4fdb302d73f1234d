/**
 * Plans of what nobody waits for, made beside the settlements: an admission asks an enclave for evidence, and a thousand feeds ask the
 * chain a thousand times. A settlement that is due goes before them, and takes what they have ready along.
 */

import type { ChainContext } from "../../chain-context.ts";
import type { ChainHead } from "../../chain/chain-source.ts";
import { stepFailureLevel } from "../../chain/rpc/rpc-pool.ts";
import type { TransactionKind } from "../../store/transactions/transaction.ts";
import type { PlannedTransaction } from "../../transmitter/planned-transaction.ts";
import type { Room } from "../../transmitter/room.ts";

export interface PreparedPlansOptions extends Pick<ChainContext, "chainId" | "log" | "now"> {
  /** For logs. */
  readonly name: string;
  /** Of each transaction that it prepares. */
  readonly kind: TransactionKind;
  /** Plans nothing twice that it planned a moment ago. */
  readonly prepare: (head: ChainHead) => Promise<readonly PlannedTransaction[]>;
  /** There is something to take. */
  readonly onReady: () => void;
}

/** What was not taken for so long is planned anew, when whoever planned it finds it due again: the chain has moved on. */
const HOLDS_MS = 10_000;
/** Of the transactions that may be in flight, and of the room that is left, one in so many. */
const PART = 4;

export class PreparedPlans {
  readonly #options: PreparedPlansOptions;
  #ready: { readonly transaction: PlannedTransaction; readonly until: number }[] = [];
  #running: Promise<void> | undefined;

  constructor(options: PreparedPlansOptions) {
    this.#options = options;
  }

  /**
   * Of what is ready now, as much as its part of the room is: what is in flight of this kind counts, since whatever it takes is not there
   * for a settlement until the next block. Begins to look for more, and does not wait for it.
   */
  take(head: ChainHead, { free, all, pending }: Room): PlannedTransaction[] {
    const { now, kind } = this.#options;
    const time = now();
    this.#ready = this.#ready.filter(({ until }) => until > time);
    const inFlight = pending.filter((transaction) => transaction.kind === kind).length;
    const most = Math.min(partOf(all) - inFlight, partOf(free));
    const taken = this.#ready.splice(0, Math.max(0, most));
    if (this.#running === undefined && this.#ready.length === 0) {
      this.#running = this.#prepare(head).finally(() => {
        this.#running = undefined;
      });
    }
    return taken.map(({ transaction }) => transaction);
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    await this.#running;
  }

  async #prepare(head: ChainHead): Promise<void> {
    const { name, prepare, onReady, chainId, log, now } = this.#options;
    try {
      const planned = await prepare(head);
      const until = now() + HOLDS_MS;
      this.#ready.push(...planned.map((transaction) => ({ transaction, until })));
      if (planned.length > 0) onReady();
    } catch (error) {
      log[stepFailureLevel(error)]("plan.failed", { chainId, plan: name, error });
    }
  }
}

const partOf = (room: number): number => Math.max(1, Math.floor(room / PART));
