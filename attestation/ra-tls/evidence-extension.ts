/**
 * The evidence extension of RA-TLS certificates.
 *
 * Source: CCC Attestation SIG, interoperable-ra-tls, "Interoperable RA-TLS X.509 Cert and Evidence Formats" and
 * "… SGX / TDX Evidence Tags and Formats" (2023). Tag 60000 is "Intel TEE quote" at IANA; the SIG names no others.
 */

import { concatBytes, toUtf8 } from "../../protocol/bytes.ts";
import { decodeCbor, type CborLimits, type CborValue } from "../encoding/cbor.ts";
import { malformed } from "../encoding/malformed.ts";
import { MAX_CERTIFICATE_BYTES } from "../x509/certificate.ts";

export const EVIDENCE_EXTENSION = "2.23.133.5.4.9";

/** Quotes in Intel's format, whoever signed them. */
const INTEL_TEE_QUOTE = 60_000;

/** "adyt" in ASCII, from the range that IANA gives out on request: evidence of kinds for which the SIG has no tag. */
const OTHER_EVIDENCE = 0x61_64_79_74;

/** An array of two byte strings, or of nine in endorsements; the certificate is as long as it may be. */
const ARRAY_LIMITS: CborLimits = {
  maxBytes: MAX_CERTIFICATE_BYTES,
  maxDepth: 1,
  maxItems: 16,
  containers: "definite",
};

export interface EvidenceExtension {
  readonly evidence: Uint8Array<ArrayBuffer>;
  /** CBOR map whose SHA-256 is the evidence's report data. */
  readonly claims: Uint8Array<ArrayBuffer>;
}

/** Tags of four bytes and less (RFC 8949 §3.4), as this profile uses them. */
function encodeTag(tag: number): Uint8Array<ArrayBuffer> {
  const isShort = tag < 0x1_0000;
  const bytes = new Uint8Array(isShort ? 3 : 5);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, isShort ? 0xd9 : 0xda);
  if (isShort) view.setUint16(1, tag);
  else view.setUint32(1, tag);
  return bytes;
}

/** The array under the one tag that `bytes` begin with, or null when they begin with another. */
function untag(bytes: Uint8Array<ArrayBuffer>, tag: number): readonly CborValue[] | null {
  const prefix = encodeTag(tag);
  if (!prefix.every((byte, index) => bytes[index] === byte)) return null;
  const value = decodeCbor(bytes.subarray(prefix.length), ARRAY_LIMITS);
  if (!Array.isArray(value)) throw malformed("RA-TLS extension does not hold an array");
  return value as readonly CborValue[];
}

/** @throws {EvidenceError} EVIDENCE_MALFORMED */
export function decodeEvidenceExtension(bytes: Uint8Array<ArrayBuffer>): EvidenceExtension {
  const array = untag(bytes, INTEL_TEE_QUOTE) ?? untag(bytes, OTHER_EVIDENCE);
  if (array === null) throw malformed("RA-TLS evidence is under a tag of another format");
  const [evidence, claims] = array;
  if (array.length !== 2 || !(evidence instanceof Uint8Array) || !(claims instanceof Uint8Array))
    throw malformed("RA-TLS evidence is not an array of evidence and claims");
  return { evidence: new Uint8Array(evidence), claims: new Uint8Array(claims) };
}

/**
 * Content of the extension for a certificate.
 *
 * @param format `intel-quote` for SGX, TDX and the simulator; `other` for every other kind
 */
export function encodeEvidenceExtension(
  format: "intel-quote" | "other",
  { evidence, claims }: { readonly evidence: Uint8Array; readonly claims: Uint8Array },
): Uint8Array<ArrayBuffer> {
  const tag = format === "intel-quote" ? INTEL_TEE_QUOTE : OTHER_EVIDENCE;
  return concatBytes(encodeTag(tag), Uint8Array.of(0x82), encodeBytes(evidence), encodeBytes(claims));
}

/** A CBOR byte string with its length in the shortest form. */
function encodeBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { length } = bytes;
  if (length < 24) return concatBytes(Uint8Array.of(0x40 | length), bytes);
  if (length < 0x100) return concatBytes(Uint8Array.of(0x58, length), bytes);
  const head = new Uint8Array(length < 0x1_0000 ? 3 : 5);
  const view = new DataView(head.buffer);
  view.setUint8(0, length < 0x1_0000 ? 0x59 : 0x5a);
  if (length < 0x1_0000) view.setUint16(1, length);
  else view.setUint32(1, length);
  return concatBytes(head, bytes);
}

export const ENDORSEMENT_EXTENSION = "2.23.133.5.4.2";

/** Number of members in the endorsements array, with and without the date of its creation. */
const ENDORSEMENT_MEMBERS: ReadonlySet<number> = new Set([8, 9]);

/** Members of the endorsements array after its version number, as Open Enclave numbers them. */
export interface EndorsementExtension {
  readonly tcbInfo: Uint8Array;
  readonly tcbIssuerChain: Uint8Array;
  readonly pckCrl: Uint8Array;
  readonly rootCrl: Uint8Array;
  readonly pckCrlIssuerChain: Uint8Array;
  readonly qeIdentity: Uint8Array;
  readonly qeIdentityIssuerChain: Uint8Array;
}

/** @throws {EvidenceError} EVIDENCE_MALFORMED */
export function decodeEndorsementExtension(bytes: Uint8Array<ArrayBuffer>): EndorsementExtension {
  const array = untag(bytes, INTEL_TEE_QUOTE);
  if (array === null || !ENDORSEMENT_MEMBERS.has(array.length))
    throw malformed("RA-TLS endorsements are not of Intel's format");
  const member = (index: number): Uint8Array => {
    const value = array[index];
    if (!(value instanceof Uint8Array)) throw malformed("RA-TLS endorsements hold something else than bytes");
    return value;
  };
  return {
    tcbInfo: member(1),
    tcbIssuerChain: member(2),
    pckCrl: member(3),
    rootCrl: member(4),
    pckCrlIssuerChain: member(5),
    qeIdentity: member(6),
    qeIdentityIssuerChain: member(7),
  };
}

/** Content of the endorsements extension. Version 1, without a date of creation. */
export function encodeEndorsementExtension(members: EndorsementExtension): Uint8Array<ArrayBuffer> {
  const inOrder = [
    members.tcbInfo,
    members.tcbIssuerChain,
    members.pckCrl,
    members.rootCrl,
    members.pckCrlIssuerChain,
    members.qeIdentity,
    members.qeIdentityIssuerChain,
  ];
  return concatBytes(encodeTag(INTEL_TEE_QUOTE), Uint8Array.of(0x88, 0x01), ...inOrder.map(encodeBytes));
}

/** `{"tcbInfo":…,"signature":"…"}`: the form in which PCS gives, and this extension carries, a signed document. */
export function joinSignedResponse(
  name: "tcbInfo" | "enclaveIdentity",
  { text, signature }: { readonly text: string; readonly signature: string },
): Uint8Array<ArrayBuffer> {
  return toUtf8(`{"${name}":${text},"signature":"${signature}"}`);
}
