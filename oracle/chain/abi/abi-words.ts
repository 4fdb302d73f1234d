import { fromHex, type Hex, isHex } from "../../../protocol/bytes.ts";

const DIGITS = 64;

/**
 * The data of an event or a result as the ABI has it: words of 32 bytes, and byte strings that words point to. Read by
 * place, since decoding by signature costs more than all else that is done with a request's event.
 */
export class AbiWords {
  readonly #data: Hex;

  constructor(data: Hex) {
    this.#data = data;
  }

  /** @throws {RangeError} where there is no such word */
  word(index: number): Hex {
    const from = 2 + index * DIGITS;
    const word = this.#data.slice(from, from + DIGITS);
    if (word.length !== DIGITS) throw new RangeError("the data ends before this word");
    return `0x${word}`;
  }

  uint(index: number): bigint {
    return BigInt(this.word(index));
  }

  /** @throws {RangeError} for more than a double holds */
  number(index: number): number {
    const value = this.uint(index);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError("the word is no small integer");
    return Number(value);
  }

  address(index: number): Hex {
    const word = this.word(index);
    if (!word.startsWith(`0x${"0".repeat(24)}`)) throw new RangeError("the word is no address");
    return `0x${word.slice(26)}`;
  }

  bool(index: number): boolean {
    const value = this.number(index);
    if (value > 1) throw new RangeError("the word is no truth value");
    return value === 1;
  }

  /** The byte string that the word at `index` points to. @throws {RangeError} where it is not all there */
  bytes(index: number): Hex {
    const at = this.number(index);
    const lengthWord = at / 32;
    const length = this.number(lengthWord);
    const from = 2 + at * 2 + DIGITS;
    const bytes = `0x${this.#data.slice(from, from + length * 2)}`;
    if (!isHex(bytes) || bytes.length !== 2 + length * 2)
      throw new RangeError("the data ends before this string");
    return bytes;
  }

  /**
   * The byte string as text that any store can keep. Solidity's `string` is any bytes, and a caller's to choose: what is no
   * UTF-8, and U+0000, which PostgreSQL keeps in no text, is U+FFFD. Such text has another hash than the string.
   *
   * @throws {RangeError} where the string is not all there
   */
  text(index: number): string {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    return decoder.decode(fromHex(this.bytes(index))).replaceAll("\0", "\ufffd");
  }
}
