/** Sequential reader for formats whose field lengths are themselves on the wire. */

import { EvidenceError } from "../../protocol/errors.ts";

/**
 * Reads forward over `source`; views, no copies. Each method advances.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED from any method that would pass the end
 */
export class ByteReader {
  readonly #source: Uint8Array<ArrayBuffer>;
  #offset = 0;

  constructor(source: Uint8Array<ArrayBuffer>) {
    this.#source = source;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#source.length - this.#offset;
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    if (length > this.remaining) {
      throw new EvidenceError({
        code: "EVIDENCE_MALFORMED",
        message: "the structure ends before a length that it declares",
        details: { offset: this.#offset, needed: length, remaining: this.remaining },
      });
    }
    const view = this.#source.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    return view;
  }

  uint8(): number {
    return this.#bigEndian(1);
  }

  uint16le(): number {
    return this.#littleEndian(2);
  }

  uint24le(): number {
    return this.#littleEndian(3);
  }

  uint32le(): number {
    return this.#littleEndian(4);
  }

  uint16be(): number {
    return this.#bigEndian(2);
  }

  uint32be(): number {
    return this.#bigEndian(4);
  }

  /** For formats that leave nothing after their last field. */
  expectEnd(what: string): void {
    if (this.remaining !== 0) {
      throw new EvidenceError({
        code: "EVIDENCE_MALFORMED",
        message: `bytes follow the end of the ${what}`,
        details: { trailing: this.remaining },
      });
    }
  }

  #littleEndian(length: number): number {
    return this.bytes(length).reduceRight((value, byte) => value * 256 + byte, 0);
  }

  #bigEndian(length: number): number {
    return this.bytes(length).reduce((value, byte) => value * 256 + byte, 0);
  }
}
