/**
 * Slows down who bisects a fee. A host can put one sealed question under requests that it makes up, and learn from `outOfBudget` what
 * its worst case costs, and so often which model it asks. Each fee that does not cover a question closes it for twice as long
 * as the one before; while it is closed, nobody learns whether another fee would.
 */

import type { Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";

/** Seconds after the first fee that did not cover a question, and at most. */
export const FIRST_CLOSURE_SECONDS = 30;
export const LONGEST_CLOSURE_SECONDS = 3_600;

/** Questions remembered, about 200 bytes each; beyond, the oldest go. */
const MAX_REMEMBERED = 65_536;

interface Probed {
  misses: number;
  /** Seconds. */
  closedUntil: number;
  isBeingAsked: boolean;
}

export class FeeProbes {
  readonly #questions = new Map<Hex, Probed>();

  /**
   * Lets one request in for a question at a time: several at once would be several fees tried at once.
   *
   * @param question hash of its plaintext: whatever it is sealed in, it is the same question
   * @param now seconds
   * @returns called once with whether the fee covered it
   * @throws {InputError} INPUT_RATE_LIMITED, the same whatever the fee
   */
  enter(question: Hex, now: number): (covered: boolean, then: number) => void {
    const known = this.#questions.get(question) ?? { misses: 0, closedUntil: 0, isBeingAsked: false };
    if (known.isBeingAsked || now < known.closedUntil) {
      throw new InputError({
        code: "INPUT_RATE_LIMITED",
        message:
          "this sealed question is being asked, or was asked for a fee that does not cover it: try later",
      });
    }
    known.isBeingAsked = true;
    this.#remember(question, known);
    return (covered, then) => {
      known.isBeingAsked = false;
      if (covered) {
        if (known.misses === 0) this.#questions.delete(question);
        return;
      }
      known.closedUntil = then + Math.min(LONGEST_CLOSURE_SECONDS, FIRST_CLOSURE_SECONDS * 2 ** known.misses);
      known.misses += 1;
    };
  }

  #remember(question: Hex, probed: Probed): void {
    this.#questions.delete(question);
    this.#questions.set(question, probed);
    if (this.#questions.size <= MAX_REMEMBERED) return;
    for (const [oldest, { isBeingAsked }] of this.#questions) {
      if (isBeingAsked) continue;
      this.#questions.delete(oldest);
      return;
    }
  }
}
