/** A frame's memory: words that cost more the more of them there are. */

import { Halt } from "./halt.ts";

const WORD_GAS = 3;
/** Of the square of the words. */
const SQUARE_DIVISOR = 512;
/** Bytes: far beyond what any gas of ours pays for. */
const MAX_END = 2n ** 32n;

export class Memory {
  #bytes = new Uint8Array(1024);
  #words = 0;

  get size(): number {
    return 32 * this.#words;
  }

  /** Gas for memory up to `offset + length`, which is there afterwards. */
  expand(offset: bigint, length: bigint, charge: (gas: number) => void): void {
    if (length === 0n) return;
    const end = offset + length;
    if (end > MAX_END) throw new Halt("out of gas");
    const words = Math.ceil(Number(end) / 32);
    if (words <= this.#words) return;
    charge(costOf(words) - costOf(this.#words));
    this.#words = words;
    if (this.size > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.size, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
  }

  /** Of expanded memory; a copy. */
  read(offset: bigint, length: number): Uint8Array<ArrayBuffer> {
    return length === 0 ? new Uint8Array() : this.#bytes.slice(Number(offset), Number(offset) + length);
  }

  write(offset: bigint, bytes: Uint8Array): void {
    if (bytes.length > 0) this.#bytes.set(bytes, Number(offset));
  }
}

function costOf(words: number): number {
  return WORD_GAS * words + Math.floor((words * words) / SQUARE_DIVISOR);
}
