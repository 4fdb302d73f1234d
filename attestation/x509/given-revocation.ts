/** Revocation by what was given: OCSP answers and lists, of vendors whose evidence is judged without them too. */

import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import {
  EndorsementError,
  EvidenceError,
  type EndorsementErrorCode,
  type ErrorDetails,
} from "../../protocol/errors.ts";
import { toIsoTime, type TimeWindow, type UnixSeconds } from "../time/unix-time.ts";
import type { Certificate } from "./certificate.ts";
import type { Crl } from "./crl.ts";
import { parseExtendedKeyUsage } from "./extensions.ts";
import { isIssuedBy } from "./issued-by.ts";
import type { OcspCertificateId, OcspResponse, OcspStatus } from "./ocsp.ts";
import type { VerifiedPath } from "./path.ts";
import type { PublicKey } from "./public-key.ts";
import { checkRevocation, type Issuer } from "./revocation.ts";

export interface GivenRevocation {
  readonly ocsp: readonly OcspResponse[];
  readonly crls: readonly Crl[];
}

export interface RevocationFinding {
  /** Certificates, by their place in the path, of which something given says that they are good. */
  readonly covered: readonly number[];
  /** When all that was relied on is in date. */
  readonly windows: readonly TimeWindow[];
}

/**
 * Asks what was given about each certificate below the root of a path that holds. A certificate of which nothing speaks is
 * not covered, and that is no fault; but what speaks of it must be authentic and in date, since a statement that cannot be
 * relied on may be there to hide another.
 *
 * @throws {EvidenceError} EVIDENCE_REVOKED, EVIDENCE_CA_REVOKED
 * @throws {EndorsementError} what speaks of a certificate is not authentic, not in date, or knows nothing of it
 */
export async function checkGivenRevocation(
  path: VerifiedPath,
  { ocsp, crls }: GivenRevocation,
  now: UnixSeconds,
): Promise<RevocationFinding> {
  const covered: number[] = [];
  const windows: TimeWindow[] = [];
  for (const [index, certificate] of path.certificates.entries()) {
    if (certificate.publicKey.spkiHex === path.anchor.publicKey.spkiHex) continue;
    const subject: Subject = {
      certificate,
      issuer: issuerOf(path, index),
      authorities: [...path.certificates.slice(index + 1), path.anchor].map(({ publicKey }) => publicKey),
      role: index === 0 ? "leaf" : "ca",
    };
    const said = await askAnswers(subject, ocsp, now);
    const listed = crls.some(({ issuer }) => issuer === certificate.issuer)
      ? await checkRevocation(certificate, { issuer: subject.issuer, crls, now, role: subject.role })
      : [];
    if (said.length + listed.length > 0) covered.push(index);
    windows.push(...said, ...listed.map((crl) => ({ from: crl.thisUpdate, until: crl.nextUpdate })));
  }
  return { covered, windows };
}

interface Subject {
  readonly certificate: Certificate;
  readonly issuer: Issuer;
  /** Keys of the CAs above it in its path. */
  readonly authorities: readonly PublicKey[];
  readonly role: "leaf" | "ca";
}

function issuerOf({ certificates, anchor }: VerifiedPath, index: number): Issuer {
  return certificates[index + 1] ?? { publicKey: anchor.publicKey, keyUsage: null };
}

/** Seconds for which an answer without nextUpdate is taken: RFC 6960 says only that newer word is always to be had. */
const WITHOUT_NEXT_UPDATE = 24 * 3_600;

async function askAnswers(
  subject: Subject,
  ocsp: readonly OcspResponse[],
  now: UnixSeconds,
): Promise<readonly TimeWindow[]> {
  const found = await findStatuses(subject, ocsp);
  if (found.length === 0) return [];
  const authentic: OcspStatus[] = [];
  for (const { response, status } of found)
    if (await isAuthentic(response, subject, now)) authentic.push(status);

  if (authentic.length === 0)
    throw unusable("ENDORSEMENT_SIGNATURE_INVALID", subject, "is signed by no responder of its issuer");

  checkNotRevoked(subject, authentic, now);
  const current = authentic
    .filter(({ thisUpdate }) => thisUpdate <= now)
    .filter((status) => now <= endOf(status));
  if (current.length === 0) {
    const details = { now: toIsoTime(now), thisUpdate: toIsoTime(authentic[0]?.thisUpdate ?? 0) };
    const isEarly = authentic.every(({ thisUpdate }) => now < thisUpdate);
    throw unusable(
      isEarly ? "ENDORSEMENT_NOT_YET_VALID" : "ENDORSEMENT_EXPIRED",
      subject,
      "is not in date",
      details,
    );
  }
  if (!current.some(({ status }) => status === "good")) {
    throw unusable(
      "ENDORSEMENT_UNAVAILABLE",
      subject,
      "says that its responder does not know the certificate",
    );
  }
  return current.map((status) => ({ from: status.thisUpdate, until: endOf(status) }));
}

function endOf({ thisUpdate, nextUpdate }: OcspStatus): UnixSeconds {
  return nextUpdate ?? thisUpdate + WITHOUT_NEXT_UPDATE;
}

/** What was revoked before `now` stays so: an answer that is no longer in date says it all the same. */
function checkNotRevoked(
  { certificate, role }: Subject,
  statuses: readonly OcspStatus[],
  now: UnixSeconds,
): void {
  for (const { status } of statuses) {
    if (typeof status === "string" || now < status.revokedAt) continue;
    throw new EvidenceError({
      code: role === "leaf" ? "EVIDENCE_REVOKED" : "EVIDENCE_CA_REVOKED",
      message: `certificate is revoked: ${certificate.label}`,
      details: {
        certificate: certificate.label,
        serial: certificate.serial,
        revokedAt: toIsoTime(status.revokedAt),
      },
    });
  }
}

async function findStatuses(
  { certificate, issuer }: Subject,
  ocsp: readonly OcspResponse[],
): Promise<readonly { readonly response: OcspResponse; readonly status: OcspStatus }[]> {
  const found = [];
  for (const response of ocsp) {
    for (const status of response.statuses) {
      if (status.id.serial !== certificate.serial) continue;
      const id = await toOcspId(certificate, issuer.publicKey, status.id.hash);
      if (status.id.issuerName === id.issuerName && status.id.issuerKey === id.issuerKey)
        found.push({ response, status });
    }
  }
  return found;
}

/** By what an OCSP request or answer names `certificate` (§4.1.1): the issuer's key is the bit string's content alone. */
export async function toOcspId(
  certificate: Pick<Certificate, "issuer" | "serial">,
  issuerKey: PublicKey,
  hash: OcspCertificateId["hash"],
): Promise<OcspCertificateId> {
  const digest = async (bytes: Uint8Array<ArrayBuffer>): Promise<Hex> =>
    toHex(new Uint8Array(await crypto.subtle.digest(hash, bytes)));
  return {
    hash,
    issuerName: await digest(fromHex(certificate.issuer)),
    issuerKey: await digest(issuerKey.key),
    serial: certificate.serial,
  };
}

const OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";

/**
 * §4.2.2.2: the issuer itself signed, or somebody whom it certified for nothing but this. A CA above the issuer may name the
 * responder as well, as NVIDIA's does: it could revoke the issuer and all below it. A responder's own certificate is not
 * looked up in turn (RFC 6960 §4.2.2.2.1): it has to be in date.
 */
async function isAuthentic(
  response: OcspResponse,
  { issuer, authorities }: Subject,
  now: UnixSeconds,
): Promise<boolean> {
  if (await isIssuedBy(response, issuer.publicKey)) return issuer.keyUsage?.has("digitalSignature") !== false;
  for (const responder of response.certificates) {
    const isDated = responder.notBefore <= now && now <= responder.notAfter;
    if (!isDated || !(await isIssuedBy(response, responder.publicKey))) continue;
    // Read where an authority signed it: what is wrong with another's certificate says nothing.
    for (const authority of authorities)
      if (await isIssuedBy(responder, authority)) return parseExtendedKeyUsage(responder).has(OCSP_SIGNING);
  }
  return false;
}

function unusable(
  code: EndorsementErrorCode,
  { certificate }: Subject,
  why: string,
  details: ErrorDetails = {},
): EndorsementError {
  return new EndorsementError({
    code,
    message: `the OCSP answer about ${certificate.label} ${why}`,
    details: { certificate: certificate.label, serial: certificate.serial, ...details },
  });
}
