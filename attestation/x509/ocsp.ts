/** What an OCSP responder says of certificates (RFC 6960), as it stands in its answer. */

import { DerReader, TAG, type DerElement } from "../asn1/der-reader.ts";
import { readOid, toBitStringBytes, toSmallInteger, toTime, toUnsigned } from "../asn1/der-values.ts";
import { malformed } from "../encoding/malformed.ts";
import type { UnixSeconds } from "../time/unix-time.ts";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import { parseCertificate, type Certificate } from "./certificate.ts";
import { parseExtensions } from "./extensions.ts";
import { parseSignatureScheme, type SignatureScheme } from "./signature-scheme.ts";

/** Longest answer read, in bytes: one with its responder's certificates is about 2 kB. */
export const MAX_OCSP_BYTES = 64 * 1024;
/** Certificates that one answer may speak of, and that may come with it. */
const MAX_STATUSES = 64;
const MAX_CERTIFICATES = 8;

/** Hashes of a certificate's issuer, and its serial number (§4.1.1, CertID). */
export interface OcspCertificateId {
  readonly hash: "SHA-1" | "SHA-256" | "SHA-384" | "SHA-512";
  readonly issuerName: Hex;
  readonly issuerKey: Hex;
  readonly serial: Hex;
}

export interface OcspStatus {
  readonly id: OcspCertificateId;
  readonly status: "good" | "unknown" | { readonly revokedAt: UnixSeconds };
  readonly thisUpdate: UnixSeconds;
  /** Null: newer word is to be had at any time (§4.2.2.1). */
  readonly nextUpdate: UnixSeconds | null;
}

/** An answer, read. Authentic and in date only once `given-revocation.ts` has found it so. */
export interface OcspResponse {
  readonly der: Uint8Array<ArrayBuffer>;
  /** ResponseData: what the responder signed. */
  readonly tbs: Uint8Array<ArrayBuffer>;
  readonly scheme: SignatureScheme;
  readonly signature: Uint8Array<ArrayBuffer>;
  readonly statuses: readonly OcspStatus[];
  /** Came with the answer: one of them may be the responder's. */
  readonly certificates: readonly Certificate[];
}

const BASIC_RESPONSE = "1.3.6.1.5.5.7.48.1.1";
const SUCCESSFUL = 0;

/** Whether `der` is laid out as an answer: a SEQUENCE that begins with an ENUMERATED, which no certificate and no list is. */
export function isOcspResponse(der: Uint8Array<ArrayBuffer>): boolean {
  if (der[0] !== TAG.sequence || der[1] === undefined) return false;
  const header = der[1] < 0x80 ? 2 : 2 + (der[1] & 0x7f);
  return der[header] === TAG.enumerated;
}

/**
 * Reads an OCSPResponse (§4.2.1) of which nothing is left over.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED, also where the responder did not answer; EVIDENCE_UNSUPPORTED for algorithms
 *   that no vendor uses
 */
export function parseOcspResponse(der: Uint8Array<ArrayBuffer>): OcspResponse {
  if (der.length > MAX_OCSP_BYTES) throw malformed("OCSP answer is too long", { length: der.length });
  const outer = new DerReader(der);
  const response = outer.readSequence();
  outer.end();
  const status = toSmallInteger(response.read(TAG.enumerated).content);
  if (status !== SUCCESSFUL) throw malformed("the OCSP responder refused to answer", { status });
  const wrapped = response.readConstructed(TAG.context0).readSequence();
  response.end();
  const type = readOid(wrapped);
  if (type !== BASIC_RESPONSE) throw malformed("OCSP answer is of another type than basic", { type });
  const basic = new DerReader(wrapped.read(TAG.octetString).content);
  wrapped.end();
  const fields = basic.readSequence();
  basic.end();
  const tbs = fields.read(TAG.sequence);
  const scheme = parseSignatureScheme(fields.read(TAG.sequence).raw);
  const signature = toBitStringBytes(fields.read(TAG.bitString).content);
  const certificates =
    fields.nextTag === TAG.context0 ? parseCertificates(fields.readConstructed(TAG.context0)) : [];
  fields.end();
  const statuses = parseResponseData(new DerReader(tbs.content));
  return { der, tbs: tbs.raw, scheme, signature, statuses, certificates };
}

function parseCertificates(reader: DerReader): readonly Certificate[] {
  const list = reader.readSequence();
  reader.end();
  const certificates: Certificate[] = [];
  while (!list.done) {
    if (certificates.length === MAX_CERTIFICATES) throw malformed("too many certificates in an OCSP answer");
    certificates.push(parseCertificate(list.read(TAG.sequence).raw));
  }
  return certificates;
}

function parseResponseData(reader: DerReader): readonly OcspStatus[] {
  if (reader.nextTag === TAG.context0) {
    const version = toSmallInteger(reader.readConstructed(TAG.context0).read(TAG.integer).content);
    if (version !== 0) throw malformed("OCSP answer is not version 1", { version });
  }
  // Name or key hash of the responder: its key is found by the signature.
  const responder = reader.readAny().tag;
  if (responder !== TAG.context1 && responder !== TAG.context2)
    throw malformed("OCSP answer does not say who answers");

  toTime(reader.read(TAG.generalizedTime));
  const list = reader.readSequence();
  refuseCritical(reader);
  reader.end();
  const statuses: OcspStatus[] = [];
  while (!list.done) {
    if (statuses.length === MAX_STATUSES) throw malformed("OCSP answer speaks of too many certificates");
    statuses.push(parseStatus(list.readSequence()));
  }
  return statuses;
}

function parseStatus(reader: DerReader): OcspStatus {
  const id = parseId(reader.readSequence());
  const status = toStatus(reader.readAny());
  const thisUpdate = toTime(reader.read(TAG.generalizedTime));
  const next = reader.nextTag === TAG.context0 ? reader.readConstructed(TAG.context0) : undefined;
  const nextUpdate = next === undefined ? null : toTime(next.read(TAG.generalizedTime));
  next?.end();
  refuseCritical(reader);
  reader.end();
  return { id, status, thisUpdate, nextUpdate };
}

const HASHES: ReadonlyMap<string, OcspCertificateId["hash"]> = new Map([
  // An identifier, and no signature: a certificate that collides in name and key of its issuer would have the same issuer.
  ["1.3.14.3.2.26", "SHA-1"],
  ["2.16.840.1.101.3.4.2.1", "SHA-256"],
  ["2.16.840.1.101.3.4.2.2", "SHA-384"],
  ["2.16.840.1.101.3.4.2.3", "SHA-512"],
]);

function parseId(reader: DerReader): OcspCertificateId {
  const algorithm = reader.readSequence();
  const oid = readOid(algorithm);
  const hash = HASHES.get(oid);
  if (hash === undefined) throw malformed("OCSP answer names certificates by an unknown hash", { oid });
  algorithm.readOptional(TAG.null);
  algorithm.end();
  const issuerName = toHex(reader.read(TAG.octetString).content);
  const issuerKey = toHex(reader.read(TAG.octetString).content);
  const serial = toHex(toUnsigned(reader.read(TAG.integer).content));
  reader.end();
  return { hash, issuerName, issuerKey, serial };
}

/** Implicit tags: good [0] NULL, revoked [1] RevokedInfo, unknown [2] NULL. */
const GOOD = 0x80;
const UNKNOWN = 0x82;

function toStatus({ tag, content }: DerElement): OcspStatus["status"] {
  if ((tag === GOOD || tag === UNKNOWN) && content.length === 0) return tag === GOOD ? "good" : "unknown";
  if (tag !== TAG.context1) throw malformed("OCSP answer has a status of no known kind", { tag });
  const reader = new DerReader(content);
  const revokedAt = toTime(reader.read(TAG.generalizedTime));
  // Whatever the reason, also a hold that may be lifted: it is not good now.
  if (reader.nextTag === TAG.context0) reader.readConstructed(TAG.context0).read(TAG.enumerated);
  reader.end();
  return { revokedAt };
}

/** Extensions [1]: a nonce, a reference to a list. One that is critical would change what the answer means (§4.4). */
function refuseCritical(reader: DerReader): void {
  if (reader.nextTag !== TAG.context1) return;
  for (const [oid, { critical }] of parseExtensions(reader.readConstructed(TAG.context1).readSequence())) {
    if (critical && oid !== NONCE)
      throw malformed("OCSP answer has a critical extension that is not understood", { oid });
  }
}

const NONCE = "1.3.6.1.5.5.7.48.1.2";
