import { sha256 } from "@noble/hashes/sha2.js";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import type { DstackEvent } from "../dstack/event-log.ts";
import type { Endorsements } from "../endorsements/endorsements.ts";
import type { VerifyOptions } from "../evidence/recognise-evidence.ts";
import { verifyEvidence } from "../evidence/verify-evidence.ts";
import { checkUnixSeconds } from "../time/unix-time.ts";
import type { VerifiedEvidence } from "../evidence/verified-evidence.ts";
import { parseCertificate, type Certificate } from "../x509/certificate.ts";
import { isIssuedBy } from "../x509/issued-by.ts";
import { checkCriticalExtensions, checkDates } from "../x509/path-rules.ts";
import { parseCarriedEndorsements } from "./carried-endorsements.ts";
import {
  findCertificateEvidence,
  type CertificateEvidence,
  type RaTlsFormat,
} from "./certificate-evidence.ts";
import { keyMismatch } from "./claims-buffer.ts";

/** A certificate whose key genuine evidence vouches for. */
export interface VerifiedRaTlsCertificate {
  readonly format: RaTlsFormat;
  readonly evidence: VerifiedEvidence;
  /** SubjectPublicKeyInfo of the attested key: what a TLS client compares its peer's with. */
  readonly spki: Hex;
  /** SHA-256 of it: the keyset's `tlsKeyHash`. */
  readonly spkiHash: Hex;
  /** Interoperable format only, and there where the certificate has them. */
  readonly nonce: Hex | null;
  readonly keysetId: Hex | null;
  /** dstack only: not replayed yet (`verifyDstackAppInfo`, or a policy's `rtMr3Events`). */
  readonly eventLog: readonly DstackEvent[] | null;
}

/** Names and key usage say nothing here that anyone relies on: the key is what is attested. */
const UNDERSTOOD_EXTENSIONS: ReadonlySet<string> = new Set(["2.5.29.17", "2.5.29.37"]);

/**
 * Verifies a certificate that carries its own evidence (RA-TLS): CCC interoperable, Gramine's legacy form, or dstack's.
 *
 * Establishes: the evidence inside is genuine, and was made for exactly this certificate's key. A self-signed
 * certificate's signature holds, so its dates and names are the key holder's.
 * Leaves to the caller: whether the evidence is acceptable (`appraiseEvidence`), whether `nonce` is the one it sent, who
 * signed a certificate that is not self-signed, and that its TLS peer holds this key (TLS itself proves that).
 *
 * @param der DER of the certificate. `node:crypto` would read an embedded PEM certificate instead of this one.
 * @param endorsements those that the certificate carries are used where none are given
 * @throws {EvidenceError | EndorsementError | InputError}
 */
export async function verifyRaTlsCertificate(
  der: Uint8Array,
  endorsements: Endorsements,
  options: VerifyOptions,
): Promise<VerifiedRaTlsCertificate> {
  checkUnixSeconds(options.now);
  const certificate = parseCertificate(new Uint8Array(der));
  checkDates(certificate, options.now);
  checkCriticalExtensions(certificate, UNDERSTOOD_EXTENSIONS);
  await checkSelfSignature(certificate);
  const found = findCertificateEvidence(certificate);
  const evidence = await verifyEvidence(found.evidence, withCarried(endorsements, certificate), options);
  checkReportDataBinding(evidence, found);
  const { spki, spkiHex } = certificate.publicKey;
  const { format, nonce, keysetId, eventLog } = found;
  return { format, evidence, spki: spkiHex, spkiHash: toHex(sha256(spki)), nonce, keysetId, eventLog };
}

function withCarried(endorsements: Endorsements, certificate: Certificate): Endorsements {
  if (endorsements.intel !== undefined) return endorsements;
  const intel = parseCarriedEndorsements(certificate);
  return intel === undefined ? endorsements : { ...endorsements, intel };
}

async function checkSelfSignature(certificate: Certificate): Promise<void> {
  if (certificate.issuer !== certificate.subject) return;
  if (!(await isIssuedBy(certificate, certificate.publicKey))) {
    throw new EvidenceError({
      code: "EVIDENCE_SIGNATURE_INVALID",
      message: "the certificate is not signed by its own key",
    });
  }
}

/** A Nitro document's user data and a TDX report's report data alike: all of it, nothing more. */
function checkReportDataBinding(evidence: VerifiedEvidence, { reportData }: CertificateEvidence): void {
  if (evidence.reportData !== reportData) throw keyMismatch();
}
