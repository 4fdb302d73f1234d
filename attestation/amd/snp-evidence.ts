/**
 * The forms in which an SEV-SNP report comes: alone; with the host's certificate table after it (extended guest
 * request); as the map of configfs-tsm's blobs, in CBOR or JSON; or as Confidential Containers writes it, its fields as
 * JSON.
 *
 * Source: GHCB (AMD 56421) §4.1.8.1 for the table; Linux, Documentation/ABI/testing/configfs-tsm, and
 * draft-ietf-rats-evidence-trans for the map of `auxblob`, `outblob`, `provider`;
 * github.com/confidential-containers/trustee, `SnpEvidence`.
 */

import * as z from "zod";
import { EvidenceError } from "../../protocol/errors.ts";
import { decodeCbor, isBytes, isMap, type CborLimits, type CborValue } from "../encoding/cbor.ts";
import { fromBase64Field } from "../encoding/base64-field.ts";
import { toEvidenceInput, type EvidenceBytes } from "../evidence/evidence-input.ts";
import { encodeReportFields, isReportFields } from "./report-fields.ts";
import { SNP_REPORT, SNP_REPORT_LENGTH } from "./snp-report.ts";

export interface SnpEvidence {
  readonly report: Uint8Array;
  readonly certificateTable: Uint8Array | null;
  /** DER or PEM, brought along in some other way than a table; in no order. */
  readonly certificates: readonly Uint8Array[];
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

/** Whether this begins as a report does, or is a map or JSON that says so. Throws nothing. */
export function isSnpEvidence(evidence: EvidenceBytes): boolean {
  const input = toEvidenceInput(evidence);
  const isBinary = !input.isMember && (isReport(input.bytes) || parseTsmMap(input.bytes) !== undefined);
  return isBinary || cocoSchema.safeParse(input.json).success || tsmSchema.safeParse(input.json).success;
}

/**
 * Report and certificates, unread.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED; EVIDENCE_UNSUPPORTED for JSON fields of another spelling
 */
export function parseSnpEvidence(evidence: EvidenceBytes): SnpEvidence {
  const input = toEvidenceInput(evidence);
  const found = (input.isMember ? undefined : fromBytes(input.bytes)) ?? fromJson(input.json);
  if (found !== undefined) return found;
  throw new EvidenceError({
    code: "EVIDENCE_MALFORMED",
    message: "this is not an SEV-SNP report: 1184 bytes, with or without a certificate table after them",
    details: { length: input.bytes.length },
  });
}

function fromBytes(bytes: Uint8Array): SnpEvidence | undefined {
  return isReport(bytes) ? fromReport(bytes) : parseTsmMap(bytes);
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
    bytes.length <= MAX_EVIDENCE_BYTES &&
    version > 0 &&
    version <= MAX_VERSION &&
    algorithm === 1 &&
    [...upper, ...rest].every((byte) => byte === 0)
  );
}

function fromReport(bytes: Uint8Array): SnpEvidence {
  const table = bytes.subarray(SNP_REPORT_LENGTH);
  return {
    report: bytes.subarray(0, SNP_REPORT_LENGTH),
    certificateTable: table.length === 0 ? null : table,
    certificates: [],
  };
}

function parseTsmMap(bytes: Uint8Array): SnpEvidence | undefined {
  if (bytes[0] !== TSM_MAP_HEAD) return undefined;
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
  return isBytes(report) && isBytes(table) ? fromBlobs(report, table) : undefined;
}

function fromBlobs(report: Uint8Array, table: Uint8Array): SnpEvidence {
  return { report, certificateTable: table.length === 0 ? null : table, certificates: [] };
}

const blob = z
  .string()
  .max(2 * MAX_EVIDENCE_BYTES)
  .transform(fromBase64Field);

/** The map of configfs-tsm's blobs in JSON (github.com/veraison/ratsd, `tsm-report+json`): base64 of either alphabet. */
const tsmSchema = z.object({
  provider: z.string().refine((text) => text.trim() === TSM_PROVIDER),
  outblob: blob,
  auxblob: blob.optional(),
});

const byteArray = z
  .array(z.int().min(0).max(0xff))
  .max(MAX_EVIDENCE_BYTES)
  .transform((bytes) => Uint8Array.from(bytes));

/** Most certificates of a chain: the key's, ASK and ARK, and what a host adds. */
const MAX_CERTIFICATES = 16;

/** Confidential Containers' `SnpEvidence`; which certificate is which, each says itself. */
const cocoSchema = z.object({
  attestation_report: z.unknown().refine(isReportFields),
  cert_chain: z
    .array(z.object({ data: byteArray }))
    .max(MAX_CERTIFICATES)
    .nullish(),
});

function fromJson(value: unknown): SnpEvidence | undefined {
  const tsm = tsmSchema.safeParse(value);
  if (tsm.success) return fromBlobs(tsm.data.outblob, tsm.data.auxblob ?? new Uint8Array());
  const coco = cocoSchema.safeParse(value);
  if (!coco.success) return undefined;
  return {
    report: encodeReportFields(coco.data.attestation_report),
    certificateTable: null,
    certificates: (coco.data.cert_chain ?? []).map(({ data }) => data),
  };
}
