import { toHex, toUtf8 } from "../../protocol/bytes.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { rendezvousOrder } from "../enclaves/rendezvous.ts";
import { Wakeable } from "./wakeable.ts";
import type { Logger } from "../log.ts";
import { releaseLease, requireLease, standForLease, takeLease, withdrawFromLease } from "../store/lease.ts";
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

/** The process that does the work, as far as this one knows. */
export type LeaseFollower = "this" | "another" | "nobody";

/** A renewal may fail, and so may the next. */
const RENEWALS_PER_LEASE = 4;

/**
 * One part of the work that one process at a time may do; taken when it is free, and renewed in a loop of its own. Of several
 * that could do it the rendezvous order of its name prefers one: so many parts are spread over many processes, and handed
 * over when one comes or goes.
 */
export class HeldLease {
  readonly #options: HeldLeaseOptions;
  readonly #loop: Wakeable;
  #until = 0;
  #term = 0;
  /** Milliseconds: until then another process is known to have it. */
  #anotherUntil = 0;

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

  get follower(): LeaseFollower {
    if (this.isHeld()) return "this";
    return this.#options.now() < this.#anotherUntil ? "another" : "nobody";
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
    const { store, holder } = this.#options;
    await withdrawFromLease(store, this.name, holder);
    await releaseLease(store, this.name, holder);
  }

  async #renew(): Promise<boolean> {
    const { store, name, holder, leaseMs, isFit, onTaken, log, now } = this.#options;
    if (!isFit()) return false;
    // Counted from before the question: the database's lease may last longer than ours, never shorter.
    const asked = now();
    try {
      const candidates = await standForLease(store, name, holder, leaseMs);
      if (preferred(name, candidates) !== holder) {
        await this.#leave();
        return false;
      }
      const held = await takeLease(store, name, holder, leaseMs);
      if (!held) this.#anotherUntil = asked + leaseMs;
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

  /** Another is to do it: it takes over as soon as the lease is free. */
  async #leave(): Promise<void> {
    const { store, name, holder, leaseMs, log, now } = this.#options;
    this.#anotherUntil = now() + leaseMs;
    if (!this.isHeld()) return;
    this.#until = 0;
    await releaseLease(store, name, holder);
    log.info("lease.handed-over", { lease: name });
  }
}

function preferred(name: string, candidates: readonly string[]): string | undefined {
  const [first] = rendezvousOrder(keccak(toUtf8(name)), candidates, (holder) => toHex(toUtf8(holder)));
  return first;
}
