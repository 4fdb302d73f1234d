/**
 * The report that an Azure confidential VM's paravisor (HCL) leaves in the vTPM at NV index 0x01400001: a hardware
 * report whose REPORT_DATA is the hash of the runtime claims that follow it. The claims hold the vTPM's attestation
 * key, which is how a TPM quote inherits the hardware's word.
 *
 * Source: Microsoft, "Azure Confidential VM guest attestation: design detail", attestation report format; structures
 * of github.com/microsoft/openhcl, openhcl_attestation_protocol `igvm_attest::get` and `vtpm`.
 */

import { fromBase64Url } from "../../protocol/base64.ts";
import { fromUtf8 } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { isAllZero, readField, readUint, type Field } from "../encoding/layout.ts";

const HEADER = {
  signature: { at: 0, length: 4 },
  version: { at: 4, length: 4 },
} as const satisfies Record<string, Field>;

/** "HCLA" in ASCII, read as a little-endian integer. */
const HCL_SIGNATURE = 0x414c4348;

/** SEV-SNP report: all of it. TDX: a TDREPORT in the first 1024 bytes, which only its own host could check. */
const HARDWARE_REPORT: Field = { at: 32, length: 1184 };

const RUNTIME_HEADER_AT = 1216;
const RUNTIME_HEADER = {
  dataSize: { at: RUNTIME_HEADER_AT, length: 4 },
  version: { at: RUNTIME_HEADER_AT + 4, length: 4 },
  reportType: { at: RUNTIME_HEADER_AT + 8, length: 4 },
  hashType: { at: RUNTIME_HEADER_AT + 12, length: 4 },
  claimsSize: { at: RUNTIME_HEADER_AT + 16, length: 4 },
} as const satisfies Record<string, Field>;
const CLAIMS_AT = RUNTIME_HEADER_AT + 20;

/**
 * Versions that lay out the fields after header and hardware report in the known way: another may put them elsewhere, and the hardware
 * signs neither field.
 */
const HEADER_VERSIONS: ReadonlySet<number> = new Set([1, 2]);
/** `IGVM_REQUEST_VERSION` (github.com/microsoft/openvmm, `igvm_attest`). */
const REQUEST_VERSIONS: ReadonlySet<number> = new Set([1]);

const REPORT_TYPES: ReadonlyMap<number, "snp" | "tdx"> = new Map([
  [2, "snp"],
  [4, "tdx"],
]);

/** How REPORT_DATA was made of the claims; SHA-256 is all that has been seen, the others are documented. */
const HASH_TYPES: ReadonlyMap<number, "SHA-256" | "SHA-384" | "SHA-512"> = new Map([
  [1, "SHA-256"],
  [2, "SHA-384"],
  [3, "SHA-512"],
]);

/** The NV index holds 2600 bytes; agents that read more of it get zeros. */
const MAX_REPORT_BYTES = 16_384;

export interface HclReport {
  readonly version: number;
  readonly hardware: "snp" | "tdx";
  /** 1184 bytes. */
  readonly hardwareReport: Uint8Array<ArrayBuffer>;
  readonly hashType: "SHA-256" | "SHA-384" | "SHA-512";
  /** The exact bytes that REPORT_DATA is the hash of. */
  readonly runtimeClaims: Uint8Array<ArrayBuffer>;
}

/**
 * Parts of an HCL report, read from a copy of `bytes`. Only zero padding may follow. Nothing is verified.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED; EVIDENCE_UNSUPPORTED for other hardware, another hash or
 *   version
 */
export function parseHclReport(bytes: Uint8Array): HclReport {
  const report = new Uint8Array(bytes);
  if (report.length > MAX_REPORT_BYTES || readUint(report, HEADER.signature) !== HCL_SIGNATURE)
    throw new EvidenceError({ code: "EVIDENCE_MALFORMED", message: "this is no HCL report" });
  for (const [name, field, known] of [
    ["HCL report", HEADER.version, HEADER_VERSIONS],
    ["HCL request", RUNTIME_HEADER.version, REQUEST_VERSIONS],
  ] as const) {
    const version = readUint(report, field);
    if (!known.has(version)) throw unsupportedVersion(name, version);
  }
  const hardware = REPORT_TYPES.get(readUint(report, RUNTIME_HEADER.reportType));
  const hashType = HASH_TYPES.get(readUint(report, RUNTIME_HEADER.hashType));
  if (hardware === undefined || hashType === undefined) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "the HCL report is of hardware other than SEV-SNP and TDX, or uses an unknown hash",
    });
  }
  const claims: Field = { at: CLAIMS_AT, length: readUint(report, RUNTIME_HEADER.claimsSize) };
  const runtimeClaims = readField(report, claims);
  if (!isAllZero(report.subarray(claims.at + claims.length)))
    throw new EvidenceError({ code: "EVIDENCE_MALFORMED", message: "bytes follow the runtime claims" });
  return {
    version: readUint(report, HEADER.version),
    hardware,
    hardwareReport: readField(report, HARDWARE_REPORT),
    hashType,
    runtimeClaims,
  };
}

function unsupportedVersion(what: string, version: number): EvidenceError {
  return new EvidenceError({
    code: "EVIDENCE_UNSUPPORTED",
    message: `version ${version} of the ${what} is not known here`,
    details: { version },
  });
}

/** RSA public key of the vTPM, as unsigned big-endian integers. */
export interface RsaKey {
  readonly modulus: Uint8Array<ArrayBuffer>;
  readonly exponent: Uint8Array<ArrayBuffer>;
}

export interface HclRuntimeClaims {
  /** JWK `HCLAkPub`: signs TPM quotes. */
  readonly attestationKey: RsaKey;
  /** Data that the guest asked to have bound, 64 bytes in hex; null in VMs older than the feature. */
  readonly userData: string | null;
  readonly secureBoot: boolean | null;
  readonly vmUniqueId: string | null;
}

/** vTPM keys are RSA-2048; a modulus beyond 4096 bits only costs time. */
const MAX_MODULUS_BYTES = 512;
const MAX_EXPONENT_BYTES = 8;

/**
 * The claims that are used here; JSON, as the paravisor wrote it.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED when they are no JSON object or have no usable `HCLAkPub`
 */
export function parseRuntimeClaims(bytes: Uint8Array): HclRuntimeClaims {
  const claims = toObject(parseJson(bytes));
  const keys = claims["keys"];
  const key = Array.isArray(keys) ? keys.map(toObject).find((jwk) => jwk["kid"] === "HCLAkPub") : undefined;
  if (key?.["kty"] !== "RSA") throw malformedClaims();
  const configuration = toObject(claims["vm-configuration"] ?? {});
  return {
    attestationKey: {
      modulus: toKeyPart(key["n"], MAX_MODULUS_BYTES),
      exponent: toKeyPart(key["e"], MAX_EXPONENT_BYTES),
    },
    userData: toTextOrNull(claims["user-data"]),
    secureBoot: typeof configuration["secure-boot"] === "boolean" ? configuration["secure-boot"] : null,
    vmUniqueId: toTextOrNull(configuration["vmUniqueId"]),
  };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch (cause) {
    throw malformedClaims(cause);
  }
}

function toObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) throw malformedClaims();
  return value as Readonly<Record<string, unknown>>;
}

function toTextOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** RFC 7518 §6.3.1: big-endian, in base64url. */
function toKeyPart(text: unknown, maxBytes: number): Uint8Array<ArrayBuffer> {
  if (typeof text !== "string") throw malformedClaims();
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = fromBase64Url(text);
  } catch (cause) {
    throw malformedClaims(cause);
  }
  if (bytes.length === 0 || bytes.length > maxBytes) throw malformedClaims();
  return bytes;
}

function malformedClaims(cause?: unknown): EvidenceError {
  return new EvidenceError({
    code: "EVIDENCE_MALFORMED",
    message: "the runtime claims of the HCL report are not JSON with an RSA key HCLAkPub",
    cause,
  });
}
