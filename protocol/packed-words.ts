/**
 * ABI-encoded output with its padding left out, so that a typed answer fits into the 256 bytes that Chainlink Functions
 * carries; docs/reference/protocol.md, Functions. Each word is a tag and the bytes that the tag counts.
 */

import { concatBytes } from "./bytes.ts";
import { EvidenceError } from "./errors.ts";

const WORD = 32;
/** In a tag: the bytes stand at the left of the word (text, bytesN), not at its right (numbers). */
const LEFT = 0x80;

/** @param output whole words; null when it is not, since only padding can be left out */
export function packWords(output: Uint8Array): Uint8Array<ArrayBuffer> | null {
  if (output.length % WORD !== 0) return null;
  const parts: Uint8Array[] = [];
  for (let at = 0; at < output.length; at += WORD) {
    const word = output.subarray(at, at + WORD);
    const first = word.findIndex((byte) => byte !== 0);
    const end = word.findLastIndex((byte) => byte !== 0) + 1;
    const right = first === -1 ? 0 : WORD - first;
    parts.push(
      end < right
        ? concatBytes(new Uint8Array([LEFT | end]), word.subarray(0, end))
        : concatBytes(new Uint8Array([right]), word.subarray(WORD - right)),
    );
  }
  return concatBytes(...parts);
}

/** @throws {EvidenceError} EVIDENCE_MALFORMED for a tag of another form, or bytes that end early */
export function unpackWords(packed: Uint8Array): Uint8Array<ArrayBuffer> {
  const words: Uint8Array[] = [];
  const tags = new DataView(packed.buffer, packed.byteOffset);
  for (let at = 0; at < packed.length;) {
    const tag = tags.getUint8(at);
    const count = tag & ~LEFT;
    const bytes = packed.subarray(at + 1, at + 1 + count);
    if (count > WORD || bytes.length !== count) {
      throw new EvidenceError({
        code: "EVIDENCE_MALFORMED",
        message: "packed output has a tag that counts bytes which are not there",
        details: { offset: at },
      });
    }
    const word = new Uint8Array(WORD);
    word.set(bytes, tag === count ? WORD - count : 0);
    words.push(word);
    at += 1 + count;
  }
  return concatBytes(...words);
}
