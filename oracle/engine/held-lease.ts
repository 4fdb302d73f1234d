import { Wakeable } from "./wakeable.ts";
import type { Logger } from "../log.ts";
import { releaseLease, requireLease, takeLease } from "../store/lease.ts";
import type { Store, StoreTransaction } from "../store/store.ts";

export interface HeldLeaseOptions {
  readonly store: Store;
  readonly name: string;
  /** This process, among those that share the store. */
  readonly holder: string;
  /** Milliseconds that the lease lasts without renewal. */
  readonly leaseMs: number;
  /** Whether this process could do the part's work now; while not, it lets the lease run out. */
  readonly isFit: () => boolean;
  readonly onTaken: () => void;
  readonly log: Logger;
  /** Milliseconds. */
  readonly now: () => number;
}

/** A renewal may fail, and so may the next. */
const RENEWALS_PER_LEASE = 4;

/** One part of the work that one process at a time may do; taken when it is free, and renewed in a loop of its own. */
export class HeldLease {
  readonly #options: HeldLeaseOptions;
  readonly #loop: Wakeable;
  #until = 0;
  #term = 0;

  constructor(options: HeldLeaseOptions) {
    this.#options = options;
    this.#loop = new Wakeable(options.leaseMs / RENEWALS_PER_LEASE, () => this.#renew());
  }

  get name(): string {
    return this.#options.name;
  }

  /** By this process's clock; a write is fenced by `require`. */
  isHeld(): boolean {
    return this.#options.now() < this.#until;
  }

  /** Another number each time that it was taken: whoever held it in between may have written anything. */
  get term(): number {
    return this.#term;
  }

  /** @throws {ChainError} CHAIN_RPC_DISAGREEMENT (retryable) when the lease is another's; rolls the transaction back */
  require(trx: StoreTransaction): Promise<void> {
    return requireLease(trx, this.name, this.#options.holder);
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    this.#until = 0;
    await releaseLease(this.#options.store, this.name, this.#options.holder);
  }

  async #renew(): Promise<boolean> {
    const { store, name, holder, leaseMs, isFit, onTaken, log, now } = this.#options;
    if (!isFit()) {
      return false;
    }
    // Counted from before the question: the database's lease may last longer than ours, never shorter.
    const asked = now();
    try {
      const held = await takeLease(store, name, holder, leaseMs);
      const isNew = held && !this.isHeld();
      this.#until = held ? asked + leaseMs : 0;
      if (isNew) {
        this.#term += 1;
        log.info("lease.taken", { lease: name });
        onTaken();
      }
    } catch (error) {
      log.warn("lease.not-renewed", { lease: name, error });
    }
    return false;
  }
}
