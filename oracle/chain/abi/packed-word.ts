import type { Hex } from "../../../protocol/bytes.ts";

const WORD_DIGITS = 64;
const BITS_PER_DIGIT = 4;

/** A word that holds several fields side by side, read from its highest bit down: each read takes the next field. */
export class PackedWord {
  readonly #digits: string;
  #at: number;

  /** @throws {RangeError} where the word has not 32 bytes, or one of its `unused` highest bits is set */
  constructor(word: Hex, unused = 0) {
    this.#digits = word.slice(2);
    this.#at = 0;
    if (this.#digits.length !== WORD_DIGITS) throw new RangeError("a word has 32 bytes");
    if (unused > 0 && /[^0]/.test(this.#take(unused))) throw new RangeError("bits are set that mean nothing");
  }

  address(): Hex {
    return `0x${this.#take(160)}`;
  }

  uint(bits: number): bigint {
    return BigInt(`0x${this.#take(bits)}`);
  }

  /** @param bits at most 48: a double holds them */
  number(bits: number): number {
    return Number.parseInt(this.#take(bits), 16);
  }

  #take(bits: number): string {
    const from = this.#at;
    this.#at += bits / BITS_PER_DIGIT;
    if (this.#at > WORD_DIGITS) throw new RangeError("the word has no such field");
    return this.#digits.slice(from, this.#at);
  }
}
