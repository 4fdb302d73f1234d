/**
 * dstack's attestation of version 0: SCALE, as guests exchange it.
 *
 * Source: github.com/Dstack-TEE/dstack, dstack-attest (`VersionedAttestation::V0`, `AttestationQuote`, `TdxEvent`);
 * SCALE: github.com/paritytech/parity-scale-codec, "Compact/general integers" and "Vectors".
 */

import { fromUtf8 } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { ByteReader } from "../encoding/byte-reader.ts";
import {
  MAX_ATTESTATION_BYTES,
  MAX_EVENTS,
  type DstackAttestation,
  type DstackPlatform,
} from "./attestation.ts";
import { RUNTIME_EVENT_TYPE, RUNTIME_RTMR, type RawDstackEvent } from "./event-log.ts";

const VERSION_0 = 0;
/** Second byte: the variant of `AttestationQuote`. A TDX guest on Google's cloud adds a quote of its vTPM. */
const VARIANTS = ["tdx", "tdx", "nitro", "snp", "nitroTpm"] as const;

/** Certificates of a chain, and some that a host may add. */
const MAX_CERTIFICATES = 16;
const REPORT_DATA_BYTES = 64;

/** First bytes of what each variant holds: a quote of version 4 or 5, a report, a COSE_Sign1. */
const BEGINS: Readonly<Record<DstackPlatform["kind"], (first: number, second: number) => boolean>> = {
  tdx: (first, second) => (first === 4 || first === 5) && second === 0,
  snp: (first, second) => first >= 2 && first <= 9 && second === 0,
  nitro: isCoseHead,
  nitroTpm: isCoseHead,
};

function isCoseHead(first: number, second: number): boolean {
  return (first === 0x84 && second === 0x44) || (first === 0xd2 && second === 0x84);
}

/** The platform that these bytes begin as an attestation of; undefined where they do not. Throws nothing. */
export function recogniseScaleAttestation(bytes: Uint8Array): DstackPlatform["kind"] | undefined {
  const [version, variant = VARIANTS.length] = bytes;
  const kind = VARIANTS[variant];
  if (version !== VERSION_0 || kind === undefined) return undefined;
  try {
    const [first = 0, second = 0] = readVector(new ByteReader(new Uint8Array(bytes.subarray(2))));
    return BEGINS[kind](first, second) ? kind : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads an attestation. On TDX what follows the events is not read: the quote says the one part of it, and nobody signs
 * the other.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED; EVIDENCE_UNSUPPORTED for another version or variant
 */
export function parseScaleAttestation(bytes: Uint8Array): DstackAttestation {
  if (bytes.length > MAX_ATTESTATION_BYTES) throw malformed();
  const reader = new ByteReader(new Uint8Array(bytes));
  const version = reader.uint8();
  const kind = VARIANTS[reader.uint8()];
  if (version !== VERSION_0 || kind === undefined) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "a dstack attestation of a version or on a platform that is not known",
      details: { version },
    });
  }
  switch (kind) {
    case "tdx": {
      const quote = readVector(reader);
      return { platform: { kind, quote, events: readList(reader, readTdxEvent) }, ...UNREAD };
    }
    case "snp": {
      const report = readVector(reader);
      const certificates = readList(reader, readVector, MAX_CERTIFICATES);
      const mrConfig = readText(reader);
      readList(reader, readRuntimeEvent);
      return { platform: { kind, report, certificates, mrConfig }, ...readReportData(reader) };
    }
    case "nitro": {
      const document = readVector(reader);
      readList(reader, readRuntimeEvent);
      return { platform: { kind, document }, ...readReportData(reader) };
    }
    case "nitroTpm": {
      const document = readVector(reader);
      const events = readList(reader, readRuntimeEvent);
      return { platform: { kind, document, events }, ...readReportData(reader) };
    }
  }
}

const UNREAD = { reportData: null, reportDataPayload: null } as const;

function readReportData(reader: ByteReader): Omit<DstackAttestation, "platform"> {
  return { reportData: reader.bytes(REPORT_DATA_BYTES), reportDataPayload: null };
}

function readTdxEvent(reader: ByteReader): RawDstackEvent {
  const rtmr = reader.uint32le();
  const type = reader.uint32le();
  const digest = readVector(reader);
  const name = readText(reader);
  return { rtmr, type, digest, name, payload: readVector(reader), ...UNSTATED };
}

function readRuntimeEvent(reader: ByteReader): RawDstackEvent {
  const name = readText(reader);
  const payload = readVector(reader);
  const digest = new Uint8Array();
  return { rtmr: RUNTIME_RTMR, type: RUNTIME_EVENT_TYPE, digest, name, payload, ...UNSTATED };
}

const UNSTATED = { version: null, preimage: null } as const;

function readList<T>(
  reader: ByteReader,
  read: (reader: ByteReader) => T,
  maxLength = MAX_EVENTS,
): readonly T[] {
  const length = readCompact(reader);
  if (length > maxLength) throw malformed();
  return Array.from({ length }, () => read(reader));
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
    message: "this is not an attestation of dstack's, version 0",
    cause,
  });
}
