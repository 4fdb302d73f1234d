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
