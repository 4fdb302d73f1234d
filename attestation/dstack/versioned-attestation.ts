/**
 * dstack's versioned attestation: quote and event log in SCALE, as guests exchange it.
 *
 * Source: github.com/Dstack-TEE/dstack, dstack-attest (`VersionedAttestation`, `AttestationQuote`, `TdxEvent`);
 * SCALE: github.com/paritytech/parity-scale-codec, "Compact/general integers" and "Vectors".
 */

import { fromUtf8 } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { ByteReader } from "../encoding/byte-reader.ts";
import type { RawDstackEvent } from "./event-log.ts";

/** First byte: format version 0. Second: the variant of the quote. */
const VERSION_0 = 0;
const VARIANT_TDX = 0;

/** Quote, log and configuration are under 64 KiB. */
const MAX_ATTESTATION_BYTES = 4 * 1024 * 1024;
const MAX_EVENTS = 4096;

export interface VersionedTdxAttestation {
  readonly quote: Uint8Array<ArrayBuffer>;
  readonly events: readonly RawDstackEvent[];
}

/** Whether these bytes begin as one over TDX does: two zeros, a length, and a quote of version 4 or 5. */
export function isVersionedTdxAttestation(bytes: Uint8Array): boolean {
  const [version, variant, , , quoteVersion] = bytes;
  return version === VERSION_0 && variant === VARIANT_TDX && (quoteVersion === 4 || quoteVersion === 5);
}

/**
 * Quote and events of a TDX attestation. What follows them (report data, configuration) is not read: the quote says
 * the one, and nobody signs the other.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED; EVIDENCE_UNSUPPORTED for another version or variant
 */
export function parseVersionedTdxAttestation(bytes: Uint8Array): VersionedTdxAttestation {
  if (bytes.length > MAX_ATTESTATION_BYTES) {
    throw malformed();
  }
  const reader = new ByteReader(new Uint8Array(bytes));
  if (reader.uint8() !== VERSION_0 || reader.uint8() !== VARIANT_TDX) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "a dstack attestation of another version, or not over TDX",
    });
  }
  const quote = readVector(reader);
  const count = readCompact(reader);
  if (count > MAX_EVENTS) {
    throw malformed();
  }
  return { quote, events: Array.from({ length: count }, () => readEvent(reader)) };
}

function readEvent(reader: ByteReader): RawDstackEvent {
  const rtmr = reader.uint32le();
  const type = reader.uint32le();
  const digest = readVector(reader);
  const name = readText(reader);
  return { rtmr, type, digest, name, payload: readVector(reader) };
}

function readText(reader: ByteReader): string {
  try {
    return fromUtf8(readVector(reader));
  } catch (cause) {
    throw malformed(cause);
  }
}

function readVector(reader: ByteReader): Uint8Array<ArrayBuffer> {
  return reader.bytes(readCompact(reader));
}

/** The low two bits say how many bytes: one, two or four; the fourth mode is for numbers beyond any length here. */
function readCompact(reader: ByteReader): number {
  const first = reader.uint8();
  switch (first & 0b11) {
    case 0:
      return first >> 2;
    case 1:
      return (first >> 2) + reader.uint8() * 64;
    case 2:
      return (first >> 2) + reader.uint24le() * 64;
    default:
      throw malformed();
  }
}

function malformed(cause?: unknown): EvidenceError {
  return new EvidenceError({
    code: "EVIDENCE_MALFORMED",
    message: "this is not a versioned attestation of dstack's",
    cause,
  });
}
