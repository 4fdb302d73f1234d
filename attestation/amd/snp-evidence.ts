/**
 * The forms in which an SEV-SNP report comes: alone; with the host's certificate table after it (extended guest
 * request); or as the CBOR map of configfs-tsm's blobs.
 *
 * Source: GHCB (AMD 56421) §4.1.8.1 for the table; Linux, Documentation/ABI/testing/configfs-tsm, and
 * draft-ietf-rats-evidence-trans for the map of `auxblob`, `outblob`, `provider`.
 */

import { EvidenceError } from "../../protocol/errors.ts";
import { decodeCbor, isBytes, isMap, type CborLimits, type CborValue } from "../encoding/cbor.ts";
import { SNP_REPORT, SNP_REPORT_LENGTH } from "./snp-report.ts";

export interface SnpEvidence {
  readonly report: Uint8Array;
  readonly certificateTable: Uint8Array | null;
}

/** Report and table: certificates are a few kilobytes, hosts may add their own. */
const MAX_EVIDENCE_BYTES = 256 * 1024;
const TSM_LIMITS: CborLimits = {
  maxBytes: MAX_EVIDENCE_BYTES,
  maxDepth: 1,
  maxItems: 16,
  containers: "definite",
};
/** Head of a CBOR map of three pairs. */
const TSM_MAP_HEAD = 0xa3;
const TSM_PROVIDER = "sev_guest";
/** Versions of the report are small numbers; quotes have a key type in the third byte, other formats have text. */
const MAX_VERSION = 0xff;

/** Whether these bytes begin as a report does, or are a map that says so. Throws nothing. */
export function isSnpEvidence(bytes: Uint8Array): boolean {
  return isReport(bytes) || parseTsmMap(bytes) !== undefined;
}

/**
 * Report and table, unread.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED
 */
export function parseSnpEvidence(bytes: Uint8Array): SnpEvidence {
  const fromMap = parseTsmMap(bytes);
  if (fromMap !== undefined) {
    return fromMap;
  }
  if (bytes.length < SNP_REPORT_LENGTH || bytes.length > MAX_EVIDENCE_BYTES) {
    throw new EvidenceError({
      code: "EVIDENCE_MALFORMED",
      message: "this is not an SEV-SNP report: 1184 bytes, with or without a certificate table after them",
      details: { length: bytes.length },
    });
  }
  const table = bytes.subarray(SNP_REPORT_LENGTH);
  return {
    report: bytes.subarray(0, SNP_REPORT_LENGTH),
    certificateTable: table.length === 0 ? null : table,
  };
}

/** Little-endian version, and signature algorithm 1. */
function isReport(bytes: Uint8Array): boolean {
  const [version = 0, ...upper] = bytes.subarray(0, SNP_REPORT.version.length);
  const [algorithm = 0, ...rest] = bytes.subarray(
    SNP_REPORT.signatureAlgo.at,
    SNP_REPORT.signatureAlgo.at + SNP_REPORT.signatureAlgo.length,
  );
  return (
    bytes.length >= SNP_REPORT_LENGTH &&
    version > 0 &&
    version <= MAX_VERSION &&
    algorithm === 1 &&
    [...upper, ...rest].every((byte) => byte === 0)
  );
}

function parseTsmMap(bytes: Uint8Array): SnpEvidence | undefined {
  if (bytes[0] !== TSM_MAP_HEAD) {
    return undefined;
  }
  try {
    const map = decodeCbor(new Uint8Array(bytes), TSM_LIMITS);
    return isMap(map) && isProvider(map.get("provider")) ? toEvidence(map) : undefined;
  } catch {
    // Not a map of ours: some other form may fit.
    return undefined;
  }
}

/** The attribute file ends with a newline, which some collectors keep. */
function isProvider(value: CborValue | undefined): boolean {
  return typeof value === "string" && value.trim() === TSM_PROVIDER;
}

function toEvidence(map: ReadonlyMap<CborValue, CborValue>): SnpEvidence | undefined {
  const report = map.get("outblob");
  const table = map.get("auxblob");
  return isBytes(report) && isBytes(table)
    ? { report, certificateTable: table.length === 0 ? null : table }
    : undefined;
}
