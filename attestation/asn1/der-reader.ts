import { malformed } from "../encoding/malformed.ts";

/**
 * Tags used in certificates, CRLs and vendor extensions: class and constructed bit included (X.690 §8.1.2).
 * Context tags are `[n]` constructed.
 */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  context0: 0xa0,
  context1: 0xa1,
  context2: 0xa2,
  context3: 0xa3,
} as const;

/** Longest length field read: 4 bytes of length describe 4 GiB, beyond any input taken here. */
const MAX_LENGTH_BYTES = 4;

export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array<ArrayBuffer>;
  /** Tag, length and content: what a signature covers. */
  readonly raw: Uint8Array<ArrayBuffer>;
}

/**
 * Reads one level of DER (X.690 §10): definite lengths in their shortest form, one-byte tags, nothing else.
 *
 * It never recurses: a caller descends by asking for a constructed element, so the depth is that of the caller's code
 * and a megabyte of nested sequences costs one comparison. Content is a view of the input, not a copy.
 *
 * All methods throw `EvidenceError` EVIDENCE_MALFORMED.
 */
export class DerReader {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #offset = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#offset === this.#bytes.length;
  }

  /** Tag of the next element, or undefined at the end. */
  get nextTag(): number | undefined {
    return this.#bytes[this.#offset];
  }

  /** @throws when bytes are left: a signed structure with unread content is not the structure we think it is. */
  end(): void {
    if (!this.done)
      throw malformed("bytes follow the end of a DER structure", { left: this.#bytes.length - this.#offset });
  }

  readAny(): DerElement {
    const start = this.#offset;
    const tag = this.#byte();
    if ((tag & 0x1f) === 0x1f) throw malformed("DER tag numbers above 30 are not used here");
    const length = this.#length();
    const contentStart = this.#offset;
    const end = contentStart + length;
    if (end > this.#bytes.length) throw malformed("DER element runs past the end", { length });
    this.#offset = end;
    return { tag, content: this.#bytes.subarray(contentStart, end), raw: this.#bytes.subarray(start, end) };
  }

  read(tag: number): DerElement {
    const element = this.readAny();
    if (element.tag !== tag) throw malformed("unexpected DER tag", { expected: tag, actual: element.tag });
    return element;
  }

  readOptional(tag: number): DerElement | undefined {
    return this.nextTag === tag ? this.readAny() : undefined;
  }

  readConstructed(tag: number): DerReader {
    return new DerReader(this.read(tag).content);
  }

  readSequence(): DerReader {
    return this.readConstructed(TAG.sequence);
  }

  #byte(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) throw malformed("DER ends inside an element");
    this.#offset += 1;
    return byte;
  }

  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0) throw malformed("DER has no indefinite lengths");
    if (count > MAX_LENGTH_BYTES) throw malformed("DER length is longer than any input");
    let length = 0;
    for (let index = 0; index < count; index += 1) length = length * 256 + this.#byte();
    // X.690 §10.1: one value has one encoding, or two parsers could read two things under one signature.
    if (length < 0x80 || length < 256 ** (count - 1))
      throw malformed("DER length is not in its shortest form");
    return length;
  }
}
