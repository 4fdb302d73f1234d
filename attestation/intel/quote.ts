import { ByteReader } from "../encoding/byte-reader.ts";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { malformed } from "../encoding/malformed.ts";
import { isAllZero, readField, readUint } from "../encoding/layout.ts";
import {
  ATTESTATION_KEY_ECDSA_P256,
  BODY_BYTES,
  BODY_DESCRIPTOR,
  BODY_DESCRIPTOR_BYTES,
  CERTIFICATION_DATA,
  ENCRYPTED_PPID,
  ENCRYPTED_PPID_BYTES,
  QUOTE_HEADER,
  QUOTE_HEADER_BYTES,
  SGX_REPORT_BODY_BYTES,
  TEE_TYPE,
  type BodyType,
} from "./quote-layout.ts";

/** Longest quote read, in bytes. Genuine ones are under 8 KiB, padded ones 16 KiB; QE authentication data may add 64 KiB. */
export const MAX_QUOTE_BYTES = 128 * 1024;

type Bytes = Uint8Array<ArrayBuffer>;

/** What a PCK certificate is found by, beside the PPID that only Intel can decrypt. */
export interface PckName {
  readonly cpuSvn: Hex;
  readonly pceSvn: number;
  readonly pceId: Hex;
}

/** A quote taken apart. Nothing in it is established before `verifyQuote`. */
export interface Quote {
  readonly version: 3 | 4 | 5;
  readonly bodyType: BodyType;
  readonly qeVendorId: Bytes;
  /** Header and body (and the body descriptor of version 5): what the attestation key signed. */
  readonly signed: Bytes;
  readonly body: Bytes;
  /** ECDSA r ‖ s. */
  readonly signature: Bytes;
  /** x ‖ y of the attestation key. */
  readonly attestationKey: Bytes;
  readonly qeReport: Bytes;
  readonly qeReportSignature: Bytes;
  readonly qeAuthenticationData: Bytes;
  /** PEM text of the PCK certificate and its issuers; null where the quote brings no chain. */
  readonly pckChain: Bytes | null;
  /** Which PCK certified the quoting enclave, where no chain says so. */
  readonly pckName: PckName | null;
  /** After the quote's end, other than zeros: a line end, or anything else. Nothing signs it, and nothing reads it. */
  readonly bytesAfter: number;
}

/**
 * Takes apart an SGX quote of version 3 or 4, or a TDX quote of version 4 or 5.
 *
 * Every length on the wire is checked against what is there, and every structure must be filled exactly. Bytes after
 * the quote are no part of it: guest drivers hand out fixed-size buffers, and editors end a file with a line. They are counted
 * where they are not zero, for the verdict to say so.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED; EVIDENCE_UNSUPPORTED for other versions, key types, and certification
 *   data of other types than a PCK chain and an encrypted PPID
 */
export function parseQuote(bytes: Bytes): Quote {
  if (bytes.length > MAX_QUOTE_BYTES) throw malformed("quote is too long", { length: bytes.length });
  const version = readUint(bytes, QUOTE_HEADER.version);
  if (version !== 3 && version !== 4 && version !== 5) throw unsupported("quote version", version);
  const keyType = readUint(bytes, QUOTE_HEADER.attestationKeyType);
  if (keyType !== ATTESTATION_KEY_ECDSA_P256) throw unsupported("attestation key type", keyType);
  const qeVendorId = readField(bytes, QUOTE_HEADER.qeVendorId);
  const { bodyType, bodyStart } = locateBody(bytes, version);
  const bodyEnd = bodyStart + BODY_BYTES[bodyType];
  const body = readField(bytes, { at: bodyStart, length: BODY_BYTES[bodyType] });
  const signatureBytes = readUint(bytes, { at: bodyEnd, length: 4 });
  const signatureData = readField(bytes, { at: bodyEnd + 4, length: signatureBytes });
  const after = bytes.subarray(bodyEnd + 4 + signatureBytes);
  return {
    version,
    bodyType,
    qeVendorId,
    signed: bytes.subarray(0, bodyEnd),
    body,
    ...parseSignatureData(signatureData, version),
    bytesAfter: isAllZero(after) ? 0 : after.length,
  };
}

/** What follows a quote's end, other than zeros; nothing where its lengths lead nowhere. Throws nothing. */
export function bytesAfterQuote(bytes: Bytes): Bytes {
  try {
    const { bodyType, bodyStart } = locateBody(bytes, readUint(bytes, QUOTE_HEADER.version) as 3 | 4 | 5);
    const bodyEnd = bodyStart + BODY_BYTES[bodyType];
    const after = bytes.subarray(bodyEnd + 4 + readUint(bytes, { at: bodyEnd, length: 4 }));
    return isAllZero(after) ? after.subarray(after.length) : after;
  } catch (error) {
    if (error instanceof EvidenceError) return bytes.subarray(bytes.length);
    throw error;
  }
}

function locateBody(
  bytes: Bytes,
  version: 3 | 4 | 5,
): { readonly bodyType: BodyType; readonly bodyStart: number } {
  const teeType = readUint(bytes, QUOTE_HEADER.teeType);
  if (teeType !== TEE_TYPE.sgx && teeType !== TEE_TYPE.tdx) throw unsupported("TEE type", teeType);
  const isTdx = teeType === TEE_TYPE.tdx;
  if (version === 3) {
    if (isTdx) throw malformed("a quote of version 3 is for SGX");
    return { bodyType: "sgx", bodyStart: QUOTE_HEADER_BYTES };
  }
  if (version === 4) return { bodyType: isTdx ? "td10" : "sgx", bodyStart: QUOTE_HEADER_BYTES };
  const type = readUint(bytes, BODY_DESCRIPTOR.type);
  const bodyType = (["sgx", "td10", "td15"] as const)[type - 1];
  if (bodyType === undefined) throw unsupported("quote body type", type);
  if ((bodyType !== "sgx") !== isTdx)
    throw malformed("body type and TEE type of the quote differ", { type, teeType });
  const size = readUint(bytes, BODY_DESCRIPTOR.size);
  if (size !== BODY_BYTES[bodyType])
    throw malformed("quote body has another size than its type", { type, size });
  return { bodyType, bodyStart: QUOTE_HEADER_BYTES + BODY_DESCRIPTOR_BYTES };
}

type SignatureData = Omit<Quote, "version" | "bodyType" | "qeVendorId" | "signed" | "body" | "bytesAfter">;

/** Quote signature data: flat in version 3, with the QE's part wrapped as certification data 6 from version 4 on (A.3.8). */
function parseSignatureData(data: Bytes, version: 3 | 4 | 5): SignatureData {
  const reader = new ByteReader(data);
  const signature = reader.bytes(64);
  const attestationKey = reader.bytes(64);
  if (version === 3) return { signature, attestationKey, ...parseQeReportData(reader) };
  const type = reader.uint16le();
  if (type !== CERTIFICATION_DATA.qeReport) throw unsupported("certification data type", type);
  const wrapped = reader.bytes(reader.uint32le());
  reader.expectEnd("quote signature data");
  return { signature, attestationKey, ...parseQeReportData(new ByteReader(wrapped)) };
}

function parseQeReportData(reader: ByteReader): Omit<SignatureData, "signature" | "attestationKey"> {
  const qeReport = reader.bytes(SGX_REPORT_BODY_BYTES);
  const qeReportSignature = reader.bytes(64);
  const qeAuthenticationData = reader.bytes(reader.uint16le());
  const type = reader.uint16le();
  const isNamed = type === CERTIFICATION_DATA.encryptedPpid;
  if (!isNamed && type !== CERTIFICATION_DATA.pckChain) throw unsupported("certification data type", type);
  const data = reader.bytes(reader.uint32le());
  reader.expectEnd("QE report certification data");
  const certified = isNamed
    ? { pckChain: null, pckName: parsePckName(data) }
    : { pckChain: isBlank(data) ? null : data, pckName: null };
  return { qeReport, qeReportSignature, qeAuthenticationData, ...certified };
}

/** Room for a chain, and none in it: that nobody put one there shows nothing to be false. */
function isBlank(pem: Bytes): boolean {
  return pem.every((byte) => BLANKS.has(byte));
}

/** NUL, tab, line feed, carriage return, space. */
const BLANKS: ReadonlySet<number> = new Set([0x00, 0x09, 0x0a, 0x0d, 0x20]);

function parsePckName(data: Bytes): PckName {
  if (data.length !== ENCRYPTED_PPID_BYTES)
    throw malformed("encrypted PPID of a quote has another length", { length: data.length });

  return {
    cpuSvn: toHex(readField(data, ENCRYPTED_PPID.cpuSvn)),
    pceSvn: readUint(data, ENCRYPTED_PPID.pceSvn),
    // Little-endian here, and as it stands in the certificate there.
    pceId: toHex(readField(data, ENCRYPTED_PPID.pceId).toReversed()),
  };
}

function unsupported(what: string, value: number): EvidenceError {
  return new EvidenceError({
    code: "EVIDENCE_UNSUPPORTED",
    message: `${what} ${value} is not supported`,
    details: { what, value },
  });
}
