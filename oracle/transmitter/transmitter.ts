import type { ChainContext } from "../chain-context.ts";
import type { ChainHead } from "../chain/chain-source.ts";
import type { ReadDataPrice } from "../chain/data-price.ts";
import type { TransactionSigner } from "../chain/signing/transaction-signer.ts";
import type { HeldLease } from "../engine/held-lease.ts";
import { stepFailureLevel } from "../chain/rpc/rpc-pool.ts";
import { Wakeable } from "../engine/wakeable.ts";
import { Broadcaster } from "./broadcaster.ts";
import { createFencedCommit } from "./fenced.ts";
import type { Funds } from "./funds.ts";
import { InFlight } from "./in-flight.ts";
import type { PlannedTransaction } from "./planned-transaction.ts";
import { Replacer } from "./replacer.ts";
import type { Room } from "./room.ts";
import { Sender } from "./sender.ts";
import { Shortfall } from "./shortfall.ts";
import { Tip } from "./tip.ts";

export interface TransmitterOptions extends ChainContext {
  readonly signers: readonly [TransactionSigner, ...TransactionSigner[]];
  readonly funds: Pick<Funds, "covers" | "require">;
  /** Its holder follows the chain and sends its transactions. */
  readonly lease: HeldLease;
  /** Plans transactions that are due and simulate well, as many as there is room for; called again after each round. */
  readonly plan: (head: ChainHead, room: Room) => Promise<readonly PlannedTransaction[]>;
  readonly head: () => ChainHead | undefined;
  /** Transactions of one key in flight; nodes drop more (geth keeps 64 of an account beyond the next). */
  readonly maxInFlight: number;
  /** Milliseconds without being mined, after which the offer is raised. */
  readonly bumpAfterMs: number;
  /** Wei per gas that is never exceeded, whatever a request would repay. */
  readonly feeCap: bigint;
  /** "all" endpoints that serve, by default; "one" where a chain has no mempool that they share. */
  readonly broadcast?: "all" | "one";
  /** Wei per gas: the priority fee that is never exceeded; 50 gwei by default. */
  readonly maxTip?: bigint;
  /** Absent where bytes cost their gas alone. */
  readonly readDataPrice?: ReadDataPrice;
}

const IDLE_MS = 1_000;

/**
 * Sends what `plan` proposes on one chain. Nonce and signed bytes are committed before the first broadcast, so whatever
 * is lost after that, the same bytes are sent again; a reorg re-opens what it dropped.
 */
export class Transmitter {
  readonly #options: TransmitterOptions;
  readonly #loop: Wakeable;
  readonly #shortfall: Shortfall;
  readonly #inFlight: InFlight;
  readonly #replacer: Replacer;
  readonly #sender: Sender;
  #term = 0;

  constructor(options: TransmitterOptions) {
    this.#options = options;
    this.#shortfall = new Shortfall(options.funds);
    const shared = {
      ...options,
      commit: createFencedCommit(options),
      shortfall: this.#shortfall,
      broadcaster: new Broadcaster({ ...options, shortfall: this.#shortfall }),
      tip: new Tip(options),
    };
    this.#inFlight = new InFlight(shared);
    this.#replacer = new Replacer({ ...shared, inFlight: this.#inFlight });
    this.#sender = new Sender({ ...shared, inFlight: this.#inFlight });
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
    if (current === undefined) return false;
    try {
      if (!this.#isOurs()) {
        this.#shortfall.noteDue(undefined);
        this.#shortfall.tell([], addresses);
        return false;
      }
      let pending = await this.#inFlight.follow(current);
      if (await this.#replacer.push(current, pending)) pending = await this.#inFlight.reload(current);
      const more = await this.#sender.send(current, pending);
      this.#shortfall.tell(this.#inFlight.pending ?? pending, addresses);
      return more;
    } catch (error) {
      // All is read anew: the failure may have come before or after the commit.
      this.#sender.forgetNonces();
      this.#inFlight.forget();
      log[stepFailureLevel(error)]("transmitter.step-failed", { error, at: now() });
      return false;
    }
  }

  #isOurs(): boolean {
    const { lease } = this.#options;
    if (lease.isHeld() && this.#term !== lease.term) {
      // Another node may have sent meanwhile, or this one just started: committed bytes may never have been broadcast.
      this.#term = lease.term;
      this.#sender.forgetNonces();
      this.#inFlight.clear();
      this.#replacer.resendAll();
    }
    return lease.isHeld();
  }
}
