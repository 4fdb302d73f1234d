import { InputError } from "../../protocol/errors.ts";
import type { Quota } from "../configuration/operator.ts";

const MINUTE_MS = 60_000;

/**
 * A token bucket that refills evenly over a minute, and a count of calls in flight. Refuses at once: a caller who is
 * told to wait costs nothing, one who waits here costs memory.
 */
export class RateLimit {
  readonly #quota: Quota;
  readonly #monotonicMs: () => number;
  #tokens: number;
  #refilledAtMs: number;
  #inFlight = 0;

  constructor(quota: Quota, monotonicMs: () => number) {
    this.#quota = quota;
    this.#monotonicMs = monotonicMs;
    this.#tokens = quota.requestsPerMinute;
    this.#refilledAtMs = monotonicMs();
  }

  /**
   * Takes a place until the returned function is called.
   *
   * @throws {InputError} INPUT_RATE_LIMITED
   */
  enter(): () => void {
    const nowMs = this.#monotonicMs();
    const { requestsPerMinute, concurrent } = this.#quota;
    const refill = ((nowMs - this.#refilledAtMs) / MINUTE_MS) * requestsPerMinute;
    this.#tokens = Math.min(requestsPerMinute, this.#tokens + refill);
    this.#refilledAtMs = nowMs;
    if (this.#tokens < 1 || this.#inFlight >= concurrent) {
      throw new InputError({
        code: "INPUT_RATE_LIMITED",
        message: this.#tokens < 1 ? "too many calls in a minute" : "too many calls at once",
        details: { requestsPerMinute, concurrent },
      });
    }
    this.#tokens -= 1;
    this.#inFlight += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#inFlight -= 1;
    };
  }
}

/** Addresses whose buckets are kept: full ones say nothing, and are let go first. */
const MAX_ADDRESSES = 10_000;

/** A bucket for each address, for callers who have no credential: one of them uses up its own, and nobody else's. */
export class AddressLimits {
  readonly #quota: Quota;
  readonly #monotonicMs: () => number;
  /** In the order of their last use. */
  readonly #limits = new Map<string, RateLimit>();

  constructor(quota: Quota, monotonicMs: () => number) {
    this.#quota = quota;
    this.#monotonicMs = monotonicMs;
  }

  of(address: string): RateLimit {
    const limit = this.#limits.get(address) ?? new RateLimit(this.#quota, this.#monotonicMs);
    this.#limits.delete(address);
    this.#limits.set(address, limit);
    if (this.#limits.size > MAX_ADDRESSES) {
      const [oldest] = this.#limits.keys();
      if (oldest !== undefined) this.#limits.delete(oldest);
    }
    return limit;
  }
}
