/** Judges what an enclave shows of itself by one policy: its certificate, and fresh evidence for a nonce. */

import {
  type AppraisalPolicy,
  type AppraisedEvidence,
  appraiseEvidence,
  checkReportData,
  type Endorsements,
  verifyEvidence,
  verifyRaTlsCertificate,
} from "../attestation/index.ts";
import { parseEndorsements } from "../attestation/endorsements/endorsements-json.ts";
import { findCertificateEvidence } from "../attestation/ra-tls/certificate-evidence.ts";
import { ENDORSEMENT_EXTENSION } from "../attestation/ra-tls/evidence-extension.ts";
import { parseCertificate } from "../attestation/x509/certificate.ts";
import type { EndorsementSource } from "../attestation/endorsements/endorsement-source.ts";
import { fromHex, type Hex, toHex } from "../protocol/bytes.ts";
import { claimsReportData, encodeClaims } from "../protocol/claims.ts";
import type { AttestationReply } from "../protocol/enclave-api.ts";
import { EvidenceError } from "../protocol/errors.ts";
import { keysetId } from "../protocol/keyset.ts";
import type { PeerCertificate } from "./pinned-agent.ts";

/** A keyset, and the evidence for it that a policy accepted. */
export interface AttestedKeyset {
  readonly keysetId: Hex;
  readonly evidence: AppraisedEvidence;
}

/** Judges an enclave's evidence by the operator's policy. Throws `EvidenceError`, `AppraisalError`, `EndorsementError`. */
export interface EvidenceVerifier {
  /**
   * Holds on return: the policy accepts the evidence in the certificate, which was made for the TLS key that the peer has
   * proven to hold.
   *
   * @returns the keyset that the evidence vouches for
   */
  verifyCertificate(certificate: PeerCertificate): Promise<Hex>;
  /** Holds on return: the policy accepts the evidence, which was made for this keyset and this nonce. */
  verifyAttestation(reply: AttestationReply, nonce: Hex): Promise<AttestedKeyset>;
}

export interface EvidenceVerifierOptions {
  readonly policy: AppraisalPolicy;
  /** Where endorsements come from that neither the certificate nor the enclave brings. */
  readonly endorsements: EndorsementSource;
  /** Milliseconds. */
  readonly now: () => number;
}

export function createEvidenceVerifier({
  policy,
  endorsements,
  now,
}: EvidenceVerifierOptions): EvidenceVerifier {
  const seconds = (): number => Math.floor(now() / 1_000);
  const endorsementsOf = async (reply: AttestationReply): Promise<Endorsements> =>
    reply.endorsements === null
      ? endorsements.find(fromHex(reply.evidence.bytes), seconds())
      : parseEndorsements(reply.endorsements);
  return {
    async verifyCertificate({ der, tlsKeyHash }) {
      const time = { now: seconds() };
      const verified = await verifyRaTlsCertificate(
        der,
        await endorsementsFor(der, endorsements, time.now),
        time,
      );
      if (verified.spkiHash !== tlsKeyHash || verified.keysetId === null)
        throw bindingMismatch("the certificate's evidence is not for the key that the server holds");
      appraiseEvidence(verified.evidence, policy, time);
      return verified.keysetId;
    },
    async verifyAttestation(reply, nonce) {
      const time = { now: seconds() };
      const verified = await verifyEvidence(fromHex(reply.evidence.bytes), await endorsementsOf(reply), time);
      const id = keysetId(reply.keyset);
      // Rebuilt from what we asked for, never taken from the one who is checked.
      const claims = encodeClaims({ nonce, keysetId: id, tlsKeyHash: reply.keyset.tlsKeyHash });
      checkReportData(verified, toHex(claimsReportData(claims)));
      return { keysetId: id, evidence: appraiseEvidence(verified, policy, time) };
    },
  };
}

/** None for a certificate that brings its own. */
async function endorsementsFor(
  der: Uint8Array,
  source: EndorsementSource,
  now: number,
): Promise<Endorsements> {
  const certificate = parseCertificate(new Uint8Array(der));
  if (certificate.extensions.has(ENDORSEMENT_EXTENSION)) return {};
  return source.find(findCertificateEvidence(certificate).evidence, now);
}

function bindingMismatch(message: string): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_BINDING_MISMATCH", message });
}
