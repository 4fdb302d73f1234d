/**
 * Binary layouts as tables: a parser names a field, the table says where it lies. Every read is bounded by the
 * input, so that a short buffer is an error and never a short value.
 */

import { EvidenceError } from "../../protocol/errors.ts";

/** Offset and length in bytes, as the specification's table gives them. */
export interface Field {
  readonly at: number;
  readonly length: number;
}

/**
 * The bytes of `field`, as a view on `source`.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED when `source` ends before the field does
 */
export function readField<Buffer extends ArrayBufferLike>(
  source: Uint8Array<Buffer>,
  field: Field,
): Uint8Array<Buffer> {
  const end = field.at + field.length;
  if (source.length < end) {
    throw new EvidenceError({
      code: "EVIDENCE_MALFORMED",
      message: "the structure ends before one of its fields",
      details: { needed: end, length: source.length },
    });
  }
  return source.subarray(field.at, end);
}

/** Little-endian unsigned integer of up to 6 bytes (exact in a double). */
export function readUint(source: Uint8Array, field: Field): number {
  return readField(source, field).reduceRight((value, byte) => value * 256 + byte, 0);
}

/** Little-endian unsigned integer of any width. */
export function readBigUint(source: Uint8Array, field: Field): bigint {
  return readField(source, field).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

export function isAllZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
