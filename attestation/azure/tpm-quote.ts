/**
 * A TPM 2.0 quote and the PCR values it speaks of.
 *
 * Source: TCG, TPM 2.0 Library, Part 2 (Structures) revision 1.59: §10.12.12 TPMS_ATTEST, §10.12.1
 * TPMS_QUOTE_INFO, §10.9.7 TPML_PCR_SELECTION. Integers are big-endian.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, equalBytes } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { ByteReader } from "../encoding/byte-reader.ts";

/** §6.2: the TPM writes this only before what it made itself. */
const TPM_GENERATED_VALUE = 0xff544347;
/** §6.9 */
const TPM_ST_ATTEST_QUOTE = 0x8018;
/** §6.3 */
const TPM_ALG_SHA256 = 0x000b;
/** TPMS_CLOCK_INFO (clock, resetCount, restartCount, safe) and firmwareVersion. */
const CLOCK_INFO_LENGTH = 17;
const FIRMWARE_VERSION_LENGTH = 8;

const BITS = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/** TPM2B_MAX_BUFFER: genuine quotes are under 300 bytes. */
const MAX_QUOTE_BYTES = 4096;
const PCR_COUNT = 24;
const SHA256_LENGTH = 32;

export interface TpmQuote {
  /** What the signature covers. */
  readonly message: Uint8Array<ArrayBuffer>;
  /** The caller's qualifying data: a nonce, or the hash of what is bound. */
  readonly extraData: Uint8Array<ArrayBuffer>;
  /** Indices, ascending. */
  readonly selectedPcrs: readonly number[];
  readonly pcrDigest: Uint8Array<ArrayBuffer>;
}

/**
 * Fields of a TPMS_ATTEST of type quote over the SHA-256 bank, read from a copy. Nothing is verified.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED; EVIDENCE_UNSUPPORTED for another PCR bank
 */
export function parseTpmQuote(bytes: Uint8Array): TpmQuote {
  if (bytes.length > MAX_QUOTE_BYTES) throw malformed("the TPM quote is larger than any genuine one");
  const message = new Uint8Array(bytes);
  const reader = new ByteReader(message);
  if (reader.uint32be() !== TPM_GENERATED_VALUE || reader.uint16be() !== TPM_ST_ATTEST_QUOTE)
    throw malformed("this is not a quote that a TPM made");
  reader.bytes(reader.uint16be());
  const extraData = reader.bytes(reader.uint16be());
  reader.bytes(CLOCK_INFO_LENGTH + FIRMWARE_VERSION_LENGTH);
  const selectedPcrs = readPcrSelection(reader);
  const pcrDigest = reader.bytes(reader.uint16be());
  reader.expectEnd("TPM quote");
  return { message, extraData, selectedPcrs, pcrDigest };
}

function readPcrSelection(reader: ByteReader): readonly number[] {
  if (reader.uint32be() !== 1 || reader.uint16be() !== TPM_ALG_SHA256) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "the quote must select PCRs of SHA-256 only",
    });
  }
  const bitmap = reader.bytes(reader.uint8());
  return Array.from(bitmap).flatMap((byte, position) =>
    BITS.filter((bit) => ((byte >> bit) & 1) === 1).map((bit) => position * 8 + bit),
  );
}

/**
 * Checks that `pcrs` (all of the bank, by index) are the ones that were quoted.
 *
 * @returns the quoted values; the others in `pcrs` are anyone's claim
 * @throws {EvidenceError} EVIDENCE_BINDING_MISMATCH
 */
export function selectQuotedPcrs(
  quote: TpmQuote,
  pcrs: readonly Uint8Array[],
): ReadonlyMap<number, Uint8Array> {
  const quoted = new Map<number, Uint8Array>();
  for (const index of quote.selectedPcrs) {
    const value = pcrs[index];
    if (value?.length !== SHA256_LENGTH || pcrs.length > PCR_COUNT)
      throw mismatch("a quoted PCR is missing, or is no SHA-256 value");
    quoted.set(index, value);
  }
  if (!equalBytes(sha256(concatBytes(...quoted.values())), quote.pcrDigest))
    throw mismatch("the PCR values are not those that the TPM quoted");
  return quoted;
}

function malformed(message: string): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_MALFORMED", message });
}

function mismatch(message: string): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_BINDING_MISMATCH", message });
}
