import type { Logger } from "../log.ts";
import type { BlockHeader } from "./rpc/block.ts";

export interface ClockWatchOptions {
  readonly chainId: number;
  readonly log: Logger;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Of so many new heads the least skewed counts: one that came late says nothing of the clock. */
const HEADS = 8;
/** Seconds: beyond them requests are given up early, or answered late. */
const TOLERATED = 30;

/**
 * Compares this machine's clock with the chain's. A clock that runs ahead finds every deadline too near and asks no model; one
 * that is behind asks too late.
 */
export class ClockWatch {
  readonly #options: ClockWatchOptions;
  /** Seconds by which the clock was ahead when each of the last new heads was seen; newest last. */
  #ahead: readonly number[] = [];
  #last: string | undefined;
  #isSaid = false;

  constructor(options: ClockWatchOptions) {
    this.#options = options;
  }

  /** Seconds by which this machine's clock is ahead of the chain's; negative when it is behind; `undefined` until blocks came. */
  get skewSeconds(): number | undefined {
    if (this.#ahead.length === 0) return undefined;
    return this.#ahead.reduce((least, one) => (Math.abs(one) < Math.abs(least) ? one : least));
  }

  get isSkewed(): boolean {
    return this.#ahead.length > 1 && Math.abs(this.skewSeconds ?? 0) > TOLERATED;
  }

  /** The newest block, as it was just seen. The first one may be old: it was made while nobody looked. */
  note(head: BlockHeader): void {
    const { now, log, chainId } = this.#options;
    if (head.hash === this.#last) return;
    const isFirst = this.#last === undefined;
    this.#last = head.hash;
    if (isFirst) return;
    this.#ahead = [...this.#ahead, Math.round(now() / 1_000) - head.timestamp].slice(-HEADS);
    if (this.isSkewed === this.#isSaid) return;
    this.#isSaid = this.isSkewed;
    if (this.#isSaid) {
      log.error("clock.skewed", {
        chainId,
        aheadSeconds: this.skewSeconds ?? null,
        action: "set this machine's clock (ntp): deadlines are judged by it",
      });
    } else {
      log.info("clock.right", { chainId });
    }
  }
}
