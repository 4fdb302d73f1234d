/** Whether a server that is about to be sent something is the machine that a policy means: by its certificate, or by a document of its own. */

import type { Hex } from "../../protocol/bytes.ts";
import { AppraisalError, EvidenceError } from "../../protocol/errors.ts";
import type { EndorsementSource } from "../endorsements/endorsement-source.ts";
import { findEvidence, type FoundEvidence } from "../evidence/find-evidence.ts";
import type { RecognisedEvidence } from "../evidence/recognise-evidence.ts";
import type { EvidenceKind, VerifiedEvidence } from "../evidence/verified-evidence.ts";
import { findGpuBinding } from "../nvidia/gpu-binding.ts";
import { appraiseEvidence } from "../policy/appraise.ts";
import type { AppraisalPolicy } from "../policy/policy.ts";
import { findCertificateEvidence } from "../ra-tls/certificate-evidence.ts";
import { ENDORSEMENT_EXTENSION } from "../ra-tls/evidence-extension.ts";
import { verifyRaTlsCertificate } from "../ra-tls/verify-ra-tls.ts";
import type { UnixSeconds } from "../time/unix-time.ts";
import { parseCertificate } from "../x509/certificate.ts";
import { otherKey, readBinding, type DocumentForm, type Nonce, type Peer } from "./bindings.ts";

export interface UpstreamTerms {
  readonly policy: AppraisalPolicy;
  readonly endorsements: EndorsementSource;
  readonly now: UnixSeconds;
  /** Seconds: evidence that says when it was made is no older, and none is relied on for longer. */
  readonly maxAge: number;
}

/** A server's key, for which genuine evidence was made that the policy accepts. */
export interface VerifiedUpstream {
  /** Of the evidence that is bound to the key. */
  readonly kind: EvidenceKind;
  readonly spkiHash: Hex;
  /** The last second at which it may be relied on. */
  readonly until: UnixSeconds;
}

/**
 * Judges the certificate that a server presented (RA-TLS).
 *
 * Establishes: the policy accepts the evidence inside, which was made for the key with this hash.
 * Leaves to the caller: that the server has proven to hold that key (TLS does), and whatever is sent over other connections.
 *
 * @throws {EvidenceError | AppraisalError | EndorsementError}
 */
export async function verifyUpstreamCertificate(
  der: Uint8Array,
  { spkiHash }: Peer,
  terms: UpstreamTerms,
): Promise<VerifiedUpstream> {
  const certificate = parseCertificate(new Uint8Array(der));
  const carriesEndorsements = certificate.extensions.has(ENDORSEMENT_EXTENSION);
  const endorsements = carriesEndorsements
    ? {}
    : await terms.endorsements.find(findCertificateEvidence(certificate).evidence, terms.now);
  const verified = await verifyRaTlsCertificate(der, endorsements, terms);
  if (verified.spkiHash !== spkiHash)
    throw otherKey("the certificate's evidence is for another key than the server's");
  const { evidence, eventLog } = verified;
  appraiseEvidence(evidence, terms.policy, { now: terms.now, ...(eventLog === null ? {} : { eventLog }) });
  return { kind: evidence.kind, spkiHash, until: untilOf([evidence], terms, certificate.notAfter) };
}

/**
 * Judges a document that a server answered with when it was asked to attest itself.
 *
 * Establishes: its evidence of a CPU is bound to the peer's key, and to the nonce where the form has one; every piece in that part of
 * the document is genuine; the policy accepts the bound one, and of the others those that it asks for (`pieces`).
 * Leaves to the caller: as `verifyUpstreamCertificate`.
 *
 * @throws {EvidenceError | AppraisalError | EndorsementError}
 */
export async function verifyUpstreamDocument(
  document: { readonly form: DocumentForm; readonly bytes: Uint8Array; readonly nonce: Nonce },
  peer: Peer,
  terms: UpstreamTerms,
): Promise<VerifiedUpstream> {
  const { evidence, isBound, until } = readBinding(document.form, document.bytes, peer, document.nonce);
  if (until !== null && until < terms.now) throw tooOld("the service's own keyset has expired");
  const pieces: VerifiedEvidence[] = [];
  for (const piece of findEvidence(evidence)) {
    const opened = openPiece(piece);
    pieces.push(await opened.verify(await terms.endorsements.find(opened, terms.now), terms));
  }
  const [bound, ...stray] = pieces.filter(({ kind }) => kind !== "nvidia");
  if (bound === undefined) throw unsupported("the document has no evidence of the machine that serves");
  // One machine serves: a second one's evidence beside it would be an accepted stranger's.
  if (stray.length > 0)
    throw unsupported("the document has several machines' evidence: which serves is unsaid");
  if (bound.reportData === null || !isBound(bound.reportData))
    throw otherKey("the evidence is not for this key and nonce: it is another machine's, or of before");
  appraiseEvidence(bound, terms.policy, terms);
  appraiseOthers(bound, pieces, terms);
  return { kind: bound.kind, spkiHash: peer.spkiHash, until: untilOf(pieces, terms, until) };
}

function openPiece({ evidence }: FoundEvidence): RecognisedEvidence {
  if (evidence !== null) return evidence;
  throw unsupported("the document holds a certificate where evidence should be");
}

function appraiseOthers(
  bound: VerifiedEvidence,
  pieces: readonly VerifiedEvidence[],
  { policy, now }: UpstreamTerms,
): void {
  const demand = policy.pieces;
  const isAsked = ({ kind }: VerifiedEvidence): boolean => demand === "all" || demand.needs.includes(kind);
  for (const piece of pieces) if (piece !== bound && isAsked(piece)) appraiseEvidence(piece, policy, { now });
  if (demand === "all") return;
  const missing = demand.needs.find((kind) => !pieces.some((piece) => piece.kind === kind));
  if (missing !== undefined) {
    throw new AppraisalError({
      code: "APPRAISAL_KIND_REFUSED",
      message: `the policy needs a piece of kind ${missing}, and the document has none`,
      details: { kind: missing },
    });
  }
  if (demand.boundGpus !== true) return;
  const isLoose = pieces.some((piece) => piece.kind === "nvidia" && findGpuBinding(bound, piece) === null);
  if (!isLoose) return;
  throw new AppraisalError({
    code: "APPRAISAL_REPORT_DATA_MISMATCH",
    message: "nothing in the document binds its GPUs to the machine that serves",
  });
}

function untilOf(
  pieces: readonly VerifiedEvidence[],
  { now, maxAge }: UpstreamTerms,
  until: UnixSeconds | null,
): UnixSeconds {
  const isOld = pieces.some(({ issuedAt }) => issuedAt !== null && issuedAt < now - maxAge);
  if (isOld) throw tooOld("the evidence is older than the policy's owner allows");
  return Math.min(now + maxAge, until ?? Infinity, ...pieces.map(({ window }) => window.until));
}

function tooOld(message: string): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_STALE", message });
}

function unsupported(message: string): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_UNSUPPORTED", message });
}
