import { InputError } from "../../protocol/errors.ts";

const HASH_BYTES = 32;
/** Hashes in one piece of memory: 8 KiB each. */
const CHUNK = 256;

/** A list of 32-byte hashes that only grows, and whose beginning may be let go. */
export class HashList {
  readonly #chunks = new Map<number, Buffer>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(hash: Uint8Array): void {
    const number = Math.floor(this.#length / CHUNK);
    let chunk = this.#chunks.get(number);
    if (chunk === undefined) {
      chunk = Buffer.alloc(CHUNK * HASH_BYTES);
      this.#chunks.set(number, chunk);
    }
    chunk.set(hash, (this.#length % CHUNK) * HASH_BYTES);
    this.#length += 1;
  }

  /** @throws {InputError} INPUT_NOT_FOUND for one that was let go */
  get(index: number): Uint8Array {
    const chunk = index < this.#length ? this.#chunks.get(Math.floor(index / CHUNK)) : undefined;
    if (chunk === undefined) {
      throw new InputError({
        code: "INPUT_NOT_FOUND",
        message: "this part of the log is no longer kept: proofs are given for the latest statements",
        details: { index },
      });
    }
    const at = (index % CHUNK) * HASH_BYTES;
    return Uint8Array.from(chunk.subarray(at, at + HASH_BYTES));
  }

  /** Index of the latest one that equals `hash`; null where none is kept. */
  lastIndexOf(hash: Uint8Array): number | null {
    for (const [number, chunk] of [...this.#chunks].reverse()) {
      // Parts not written yet are zeros, and no entry.
      const written = chunk.subarray(0, (this.#length - number * CHUNK) * HASH_BYTES);
      for (
        let at = written.lastIndexOf(hash);
        at >= 0;
        at = at === 0 ? -1 : written.lastIndexOf(hash, at - 1)
      )
        if (at % HASH_BYTES === 0) return number * CHUNK + at / HASH_BYTES;
    }
    return null;
  }

  /** Lets go whole chunks of what stands before `index`. */
  dropBefore(index: number): void {
    for (const number of this.#chunks.keys()) {
      if ((number + 1) * CHUNK > index) return;
      this.#chunks.delete(number);
    }
  }
}
