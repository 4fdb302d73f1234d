/**
 * NVIDIA device evidence: an SPDM GET_MEASUREMENTS request followed by its MEASUREMENTS response.
 *
 * Source: DMTF DSP0274 (SPDM) version 1.1.0, §10.11: tables 41 (request), 43 (response), 45 (measurement block) and
 * 46 (DMTF measurement). Requests and responses of that version only; Hopper and Blackwell speak no other here.
 */

import { EvidenceError } from "../../protocol/errors.ts";
import { ByteReader } from "../encoding/byte-reader.ts";
import { isAllZero } from "../encoding/layout.ts";

const SPDM_1_1 = 0x11;
const GET_MEASUREMENTS = 0xe0;
const MEASUREMENTS = 0x60;
/** Param1 bit 0 of the request: a signature is asked for. */
const SIGNATURE_REQUESTED = 0x01;
const DMTF_MEASUREMENT_SPECIFICATION = 0x01;

export const SPDM_NONCE_LENGTH = 32;
/** ECDSA P-384: r ‖ s. */
export const SPDM_SIGNATURE_LENGTH = 96;

/** Driver buffers are fixed in size and zero-filled; genuine messages are about 4 KiB. */
const MAX_EVIDENCE_BYTES = 65_536;

export interface SpdmMeasurement {
  /** As on the wire, from 1. */
  readonly index: number;
  /** Bit 7 set: raw bytes, otherwise a digest; the rest says what was measured. */
  readonly valueType: number;
  readonly value: Uint8Array<ArrayBuffer>;
}

export interface SpdmMeasurements {
  /** The verifier's nonce: it is in the request, and the signature covers the request. */
  readonly requestNonce: Uint8Array<ArrayBuffer>;
  readonly slotId: number;
  readonly responseNonce: Uint8Array<ArrayBuffer>;
  readonly measurements: readonly SpdmMeasurement[];
  readonly opaqueData: Uint8Array<ArrayBuffer>;
  /** Request and response up to the signature (§10.11.1, L2). */
  readonly signedRegion: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/**
 * Both messages, read from a copy of `bytes`. The signature is found by reading up to it; after it only zero
 * padding may follow. Nothing is verified.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED; EVIDENCE_UNSUPPORTED for another SPDM version or measurement format
 */
export function parseSpdmMeasurements(bytes: Uint8Array): SpdmMeasurements {
  if (bytes.length > MAX_EVIDENCE_BYTES)
    throw malformed("the evidence is larger than any genuine one", { length: bytes.length });
  const copy = new Uint8Array(bytes);
  const reader = new ByteReader(copy);
  const { requestNonce, slotId } = readRequest(reader);
  const { numberOfBlocks, record } = readResponseHead(reader);
  const responseNonce = reader.bytes(SPDM_NONCE_LENGTH);
  const opaqueData = reader.bytes(reader.uint16le());
  const signedRegion = copy.subarray(0, reader.offset);
  const signature = reader.bytes(SPDM_SIGNATURE_LENGTH);
  if (!isAllZero(reader.bytes(reader.remaining)))
    throw malformed("bytes other than zero padding follow the signature", {});
  const measurements = readMeasurementRecord(record, numberOfBlocks);
  return { requestNonce, slotId, responseNonce, measurements, opaqueData, signedRegion, signature };
}

/** Table 41: version, code, param1 (attributes), param2 (which measurement; not judged), nonce, slot. */
function readRequest(reader: ByteReader): {
  readonly requestNonce: Uint8Array<ArrayBuffer>;
  readonly slotId: number;
} {
  checkHead(reader, GET_MEASUREMENTS);
  if ((reader.uint8() & SIGNATURE_REQUESTED) === 0)
    throw malformed("the request does not ask for a signature", {});
  reader.uint8();
  const requestNonce = reader.bytes(SPDM_NONCE_LENGTH);
  return { requestNonce, slotId: reader.uint8() & 0x0f };
}

/** Table 43 up to the measurement record: version, code, two parameters, number of blocks, record length. */
function readResponseHead(reader: ByteReader): {
  readonly numberOfBlocks: number;
  readonly record: Uint8Array<ArrayBuffer>;
} {
  checkHead(reader, MEASUREMENTS);
  reader.bytes(2);
  const numberOfBlocks = reader.uint8();
  return { numberOfBlocks, record: reader.bytes(reader.uint24le()) };
}

function checkHead(reader: ByteReader, code: number): void {
  const version = reader.uint8();
  if (version !== SPDM_1_1) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "NVIDIA evidence is SPDM 1.1",
      details: { version },
    });
  }
  const actual = reader.uint8();
  if (actual !== code)
    throw malformed("the SPDM message is not the one expected here", { expected: code, actual });
}

/** Tables 45 and 46. Indices are unique. */
function readMeasurementRecord(
  record: Uint8Array<ArrayBuffer>,
  numberOfBlocks: number,
): readonly SpdmMeasurement[] {
  const reader = new ByteReader(record);
  const measurements = Array.from({ length: numberOfBlocks }, () => readMeasurement(reader));
  reader.expectEnd("measurement record");
  if (new Set(measurements.map(({ index }) => index)).size !== numberOfBlocks)
    throw malformed("two measurement blocks have one index", {});
  return measurements;
}

function readMeasurement(reader: ByteReader): SpdmMeasurement {
  const index = reader.uint8();
  const specification = reader.uint8();
  if (specification !== DMTF_MEASUREMENT_SPECIFICATION) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "a measurement block is not in the DMTF format",
      details: { index, specification },
    });
  }
  const block = new ByteReader(reader.bytes(reader.uint16le()));
  const valueType = block.uint8();
  const value = block.bytes(block.uint16le());
  block.expectEnd("measurement block");
  return { index, valueType, value };
}

function malformed(message: string, details: Record<string, number>): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_MALFORMED", message, details });
}
