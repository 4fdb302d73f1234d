/**
 * AWS Nitro attestation document, of an enclave or of an instance with a NitroTPM: bytes to fields, by the rules of
 * AWS's own verification guide.
 *
 * Source: github.com/aws/aws-nitro-enclaves-nsm-api, docs/attestation_process.md, §2.2.1 (CDDL) and §3.2.2
 * (syntactical validation); Amazon EC2 User Guide, "NitroTPM Attestation Document" (`nitrotpm_pcrs` in place of `pcrs`).
 */

import { concatBytes, equalBytes, toUtf8 } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { decodeCbor, isBytes, isMap, type CborLimits, type CborValue } from "../encoding/cbor.ts";
import { LAST_MOMENT } from "../time/unix-time.ts";
import { isCoseSign1, MAX_DOCUMENT_BYTES, parseCoseSign1, type CoseSign1 } from "./cose-sign1.ts";

/**
 * One map; inside it `pcrs` (at most 32 pairs) and `cabundle` (a handful); a margin for fields added later. The
 * device writes the outer map with indefinite length.
 */
const DOCUMENT_LIMITS: CborLimits = {
  maxBytes: MAX_DOCUMENT_BYTES,
  maxDepth: 4,
  maxItems: 256,
  containers: "definite-or-indefinite",
};

/** §3.2.2: "pcrs: size in [1, 32], keys in [0, 32), lengths in {32, 48, 64}". */
const MAX_PCR_COUNT = 32;
const PCR_LENGTHS: ReadonlySet<number> = new Set([32, 48, 64]);
/** §2.2.1: `cert: bstr .size (1..1024)`. */
const MAX_CERTIFICATE_BYTES = 1024;
/** A chain to G1 has root, region, zone and instance; twice that refuses nothing genuine. */
const MAX_BUNDLE_LENGTH = 8;
/** §2.2.1: `(1..1024)` and `(0..1024)`. §3.2.2 says 512 for two of them, and the device accepts 1024. */
const MAX_PUBLIC_KEY_BYTES = 1024;
const MAX_USER_DATA_BYTES = 1024;
const MAX_NONCE_BYTES = 1024;

/** Whose PCRs the document has: an enclave's, or those of an instance's NitroTPM. */
export type NitroDevice = "enclave" | "nitroTpm";

const PCRS_FIELD: Readonly<Record<NitroDevice, string>> = { enclave: "pcrs", nitroTpm: "nitrotpm_pcrs" };

export interface NitroDocument {
  readonly device: NitroDevice;
  readonly moduleId: string;
  readonly digest: "SHA384";
  /** Milliseconds since the Unix epoch, by the hypervisor's clock. */
  readonly timestamp: number;
  readonly pcrs: ReadonlyMap<number, Uint8Array<ArrayBuffer>>;
  /** DER of the certificate whose key signed the document. */
  readonly certificate: Uint8Array<ArrayBuffer>;
  /** DER; the root first (§3.2.3). */
  readonly cabundle: readonly Uint8Array<ArrayBuffer>[];
  readonly publicKey: Uint8Array<ArrayBuffer> | null;
  readonly userData: Uint8Array<ArrayBuffer> | null;
  readonly nonce: Uint8Array<ArrayBuffer> | null;
  readonly cose: CoseSign1;
}

/**
 * Fields of an attestation document, each within AWS's bounds. Nothing is verified. Fields that the guide does not
 * name are passed over: the document is signed, and AWS may add some.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED; EVIDENCE_UNSUPPORTED for another signature algorithm or digest
 */
export function parseNitroDocument(bytes: Uint8Array): NitroDocument {
  const cose = parseCoseSign1(bytes);
  const fields = decodeFields(cose);
  const device: NitroDevice = fields.has(PCRS_FIELD.nitroTpm) ? "nitroTpm" : "enclave";
  if (device === "nitroTpm" && fields.has(PCRS_FIELD.enclave)) throw malformed("pcrs");
  return {
    device,
    moduleId: toModuleId(fields.get("module_id")),
    digest: toDigest(fields.get("digest")),
    timestamp: toTimestamp(fields.get("timestamp")),
    pcrs: toPcrs(fields.get(PCRS_FIELD[device])),
    certificate: toCertificate(fields.get("certificate"), "certificate"),
    cabundle: toBundle(fields.get("cabundle")),
    publicKey: toOptionalBytes(fields.get("public_key"), "public_key", { min: 1, max: MAX_PUBLIC_KEY_BYTES }),
    userData: toOptionalBytes(fields.get("user_data"), "user_data", { min: 0, max: MAX_USER_DATA_BYTES }),
    nonce: toOptionalBytes(fields.get("nonce"), "nonce", { min: 0, max: MAX_NONCE_BYTES }),
    cose,
  };
}

function decodeFields({ payload }: CoseSign1): ReadonlyMap<CborValue, CborValue> {
  const map = decodeCbor(payload, DOCUMENT_LIMITS);
  if (!isMap(map)) throw malformed("payload");
  return map;
}

/** Text string of 13 bytes, and the bytes (RFC 8949 §3.1). */
const NITRO_TPM_KEY = concatBytes(Uint8Array.of(0x6d), toUtf8(PCRS_FIELD.nitroTpm));

/**
 * Which device these bytes are a document of, where they begin as one does; undefined where they do not. Throws
 * nothing.
 */
export function recogniseNitroDocument(bytes: Uint8Array): NitroDevice | undefined {
  if (!isCoseSign1(bytes)) return undefined;
  if (!contains(bytes.subarray(0, MAX_DOCUMENT_BYTES), NITRO_TPM_KEY)) return "enclave";
  // An enclave may write anything into its user data: only a member of the document counts.
  try {
    return decodeFields(parseCoseSign1(bytes)).has(PCRS_FIELD.nitroTpm) ? "nitroTpm" : "enclave";
  } catch {
    return "enclave";
  }
}

function contains(bytes: Uint8Array, wanted: Uint8Array): boolean {
  const [first = 0] = wanted;
  for (let at = bytes.indexOf(first); at !== -1; at = bytes.indexOf(first, at + 1))
    if (equalBytes(bytes.subarray(at, at + wanted.length), wanted)) return true;
  return false;
}

function toModuleId(value: CborValue | undefined): string {
  if (typeof value !== "string" || value === "") throw malformed("module_id");
  return value;
}

function toDigest(value: CborValue | undefined): "SHA384" {
  if (typeof value !== "string") throw malformed("digest");
  if (value !== "SHA384") {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "PCRs of a Nitro document are SHA-384",
    });
  }
  return value;
}

function toTimestamp(value: CborValue | undefined): number {
  // A later one has no date, and could not be told.
  if (typeof value !== "number" || !Number.isInteger(value) || value <= 0 || value > LAST_MOMENT * 1000)
    throw malformed("timestamp");
  return value;
}

function toPcrs(value: CborValue | undefined): ReadonlyMap<number, Uint8Array<ArrayBuffer>> {
  if (!(value instanceof Map) || value.size < 1 || value.size > MAX_PCR_COUNT) throw malformed("pcrs");
  const pcrs = new Map<number, Uint8Array<ArrayBuffer>>();
  for (const [index, pcr] of value as ReadonlyMap<CborValue, CborValue>) {
    const isIndex =
      typeof index === "number" && Number.isInteger(index) && index >= 0 && index < MAX_PCR_COUNT;
    if (!isIndex || !isBytes(pcr) || !PCR_LENGTHS.has(pcr.length)) throw malformed("pcrs");
    pcrs.set(index, pcr);
  }
  return pcrs;
}

function toBundle(value: CborValue | undefined): readonly Uint8Array<ArrayBuffer>[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > MAX_BUNDLE_LENGTH)
    throw malformed("cabundle");
  return (value as readonly CborValue[]).map((certificate) => toCertificate(certificate, "cabundle"));
}

function toCertificate(value: CborValue | undefined, field: string): Uint8Array<ArrayBuffer> {
  if (!isBytes(value) || value.length < 1 || value.length > MAX_CERTIFICATE_BYTES) throw malformed(field);
  return value;
}

function toOptionalBytes(
  value: CborValue | undefined,
  field: string,
  bounds: { readonly min: number; readonly max: number },
): Uint8Array<ArrayBuffer> | null {
  if (value === undefined || value === null) return null;
  if (!isBytes(value) || value.length < bounds.min || value.length > bounds.max) throw malformed(field);
  return value;
}

function malformed(field: string): EvidenceError {
  return new EvidenceError({
    code: "EVIDENCE_MALFORMED",
    message: "a field of the Nitro document is missing, of another type, or out of bounds",
    details: { field },
  });
}
