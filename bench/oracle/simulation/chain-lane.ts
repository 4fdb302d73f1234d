/** A chain's blocks, and what waits for them: transactions in the order of their nonces, as far as a block's gas and the keys' room in flight go. */

import type { EventClock } from "./event-clock.ts";

/** An answer that is ready to be sent. */
export interface Ready {
  readonly mined: () => void;
}

interface SentTransaction {
  readonly items: readonly Ready[];
}

export interface ChainLaneOptions {
  readonly clock: EventClock;
  readonly blockMs: number;
  /** Of a block, as far as it is left to this oracle. */
  readonly gasPerBlock: number;
  readonly gasPerAnswer: number;
  /** In one transaction, at most. */
  readonly batch: number;
  /** Transactions, of all keys together. */
  readonly maxInFlight: number;
}

export interface LaneUse {
  readonly blocks: number;
  /** Blocks that had no gas left for a transaction that waited. */
  readonly fullBlocks: number;
  /** Summed up over the blocks: the part of what all keys may have in flight, in full batches, that was. */
  readonly room: number;
}

export class ChainLane {
  readonly #options: ChainLaneOptions;
  readonly #requested: (() => void)[] = [];
  #ready: Ready[] = [];
  #inFlight: SentTransaction[] = [];
  #blocks = 0;
  #fullBlocks = 0;
  #room = 0;

  constructor(options: ChainLaneOptions) {
    this.#options = options;
    this.#nextBlock();
  }

  /** Answers that wait for room in flight, and such that wait for a block. */
  get waiting(): number {
    return this.#ready.length + this.#inFlight.reduce((sum, { items }) => sum + items.length, 0);
  }

  /** What was used so far; of two looks the difference says what was used between them. */
  get used(): LaneUse {
    return { blocks: this.#blocks, fullBlocks: this.#fullBlocks, room: this.#room };
  }

  /** @param mined called with the next block, which has the request */
  request(mined: () => void): void {
    this.#requested.push(mined);
  }

  send(ready: Ready): void {
    this.#ready.push(ready);
    this.#fill();
  }

  /** Groups what is ready, as planning does: whatever waits when a transaction is made is in it. */
  #fill(): void {
    const { batch, maxInFlight } = this.#options;
    while (this.#ready.length > 0 && this.#inFlight.length < maxInFlight)
      this.#inFlight.push({ items: this.#ready.splice(0, batch) });
  }

  #nextBlock(): void {
    const { clock, blockMs, gasPerBlock, gasPerAnswer, maxInFlight, batch } = this.#options;
    clock.after(blockMs, () => {
      this.#blocks += 1;
      const inFlight = this.#inFlight.reduce((sum, { items }) => sum + items.length, 0);
      this.#room += inFlight / (maxInFlight * batch);
      let gas = 0;
      let count = 0;
      for (const { items } of this.#inFlight) {
        const needed = items.length * gasPerAnswer;
        if (gas + needed > gasPerBlock) break;
        gas += needed;
        count += 1;
      }
      if (count < this.#inFlight.length) this.#fullBlocks += 1;
      const mined = this.#inFlight.slice(0, count);
      this.#inFlight = this.#inFlight.slice(count);
      const requested = this.#requested.splice(0);
      for (const happen of requested) happen();
      for (const { items } of mined) for (const item of items) item.mined();
      this.#fill();
      this.#nextBlock();
    });
  }
}
