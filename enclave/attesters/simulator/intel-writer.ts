/** Writes what Intel's hardware and services write: PCK extensions, TCB info, QE identities, quotes. */

import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, fromHex, toUtf8, type Hex } from "../../../protocol/bytes.ts";
import type { CertificateExtension } from "./certificate-writer.ts";
import { der, type Der } from "./der-writer.ts";
import type { P256Signer } from "./signer.ts";

const SGX_EXTENSION = "1.2.840.113741.1.13.1";

export interface PckFields {
  readonly ppid: Hex;
  readonly sgxComponentSvns: readonly number[];
  readonly pceSvn: number;
  readonly cpuSvn: Hex;
  readonly pceId: Hex;
  readonly fmspc: Hex;
}

/** Intel SGX PCK Certificate and CRL Profile Specification §1.3.5. */
export function encodePckExtension(fields: PckFields): CertificateExtension {
  const entry = (suffix: string, value: Der): Der =>
    der.sequence(der.oid(`${SGX_EXTENSION}.${suffix}`), value);
  const components = fields.sgxComponentSvns.map((svn, index) => entry(`2.${index + 1}`, der.integer(svn)));
  const tcb = der.sequence(
    ...components,
    entry("2.17", der.integer(fields.pceSvn)),
    entry("2.18", der.octetString(fromHex(fields.cpuSvn))),
  );
  const value = der.sequence(
    entry("1", der.octetString(fromHex(fields.ppid))),
    entry("2", tcb),
    entry("3", der.octetString(fromHex(fields.pceId))),
    entry("4", der.octetString(fromHex(fields.fmspc))),
    entry("5", der.enumerated(0)),
  );
  return { oid: SGX_EXTENSION, critical: false, value };
}

/** A signed document as PCS gives it: its text, and the signature over exactly that text. */
export interface SignedText {
  readonly text: string;
  readonly signature: Uint8Array;
}

export function signJson(value: unknown, signer: P256Signer): SignedText {
  const text = JSON.stringify(value);
  return { text, signature: signer.signRaw(toUtf8(text)) };
}

/** Fields by their offsets in a buffer of `length` bytes; everything else zero. */
export function fillLayout(
  length: number,
  values: readonly (readonly [{ readonly at: number; readonly length: number }, Uint8Array])[],
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (const [field, value] of values) bytes.set(value.subarray(0, field.length), field.at);
  return bytes;
}

export function littleEndian(value: number, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => Math.floor(value / 256 ** index) % 256);
}

export interface QuoteParts {
  readonly version: 3 | 4 | 5;
  /** 0 SGX, 0x81 TDX. */
  readonly teeType: number;
  /** Of version 5: 1 SGX, 2 TDX 1.0, 3 TDX 1.5. */
  readonly bodyType: number;
  readonly qeVendorId: Uint8Array;
  readonly body: Uint8Array;
  /** QE report body with its report data still to be filled in. */
  readonly qeReport: Uint8Array;
  readonly qeAuthenticationData: Uint8Array;
  readonly pckChain: Uint8Array;
}

const QE_REPORT_DATA_AT = 320;

/** A quote of any version, signed by `attestation`, whose key a QE report signed by `pck` vouches for. */
export function mintQuote(
  parts: QuoteParts,
  signers: { readonly attestation: P256Signer; readonly pck: P256Signer },
): Uint8Array<ArrayBuffer> {
  const header = concatBytes(
    littleEndian(parts.version, 2),
    littleEndian(2, 2),
    littleEndian(parts.teeType, 4),
    new Uint8Array(4),
    parts.qeVendorId,
    new Uint8Array(20),
  );
  const descriptor =
    parts.version === 5
      ? concatBytes(littleEndian(parts.bodyType, 2), littleEndian(parts.body.length, 4))
      : new Uint8Array();
  const signed = concatBytes(header, descriptor, parts.body);
  const qeReport = concatBytes(parts.qeReport);
  qeReport.set(
    sha256(concatBytes(signers.attestation.coordinates, parts.qeAuthenticationData)),
    QE_REPORT_DATA_AT,
  );
  const qePart = concatBytes(
    qeReport,
    signers.pck.signRaw(qeReport),
    withLength(parts.qeAuthenticationData, 2),
    littleEndian(5, 2),
    withLength(parts.pckChain, 4),
  );
  const signatureData = concatBytes(
    signers.attestation.signRaw(signed),
    signers.attestation.coordinates,
    ...(parts.version === 3 ? [qePart] : [littleEndian(6, 2), withLength(qePart, 4)]),
  );
  return concatBytes(signed, withLength(signatureData, 4));
}

function withLength(bytes: Uint8Array, lengthBytes: number): Uint8Array {
  return concatBytes(littleEndian(bytes.length, lengthBytes), bytes);
}
