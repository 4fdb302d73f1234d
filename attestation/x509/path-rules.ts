import { EvidenceError, type EvidenceErrorCode } from "../../protocol/errors.ts";
import { toIsoTime, type UnixSeconds } from "../time/unix-time.ts";
import type { Certificate } from "./certificate.ts";
import { EXTENSION, type KeyUsage } from "./extensions.ts";

export interface PathRuleOptions {
  readonly now: UnixSeconds;
  readonly understoodExtensions?: ReadonlySet<string>;
}

const UNDERSTOOD: ReadonlySet<string> = new Set([EXTENSION.basicConstraints, EXTENSION.keyUsage]);

/**
 * What RFC 5280 §6.1 asks of the certificates of one path, leaf first, apart from signatures and revocation.
 *
 * @throws {EvidenceError} one EVIDENCE_CHAIN_* code per rule
 */
export function checkCertificates(path: readonly Certificate[], options: PathRuleOptions): void {
  for (const [index, certificate] of path.entries()) {
    checkDates(certificate, options.now);
    checkCriticalExtensions(certificate, options.understoodExtensions);
    if (index === 0) checkUsage(certificate, "digitalSignature");
    else checkCa(certificate, index - 1);
  }
}

export function checkDates(certificate: Certificate, now: UnixSeconds): void {
  const { notBefore, notAfter } = certificate;
  if (notBefore <= now && now <= notAfter) return;
  throw fault(now < notBefore ? "EVIDENCE_CHAIN_NOT_YET_VALID" : "EVIDENCE_CHAIN_EXPIRED", certificate, {
    now: toIsoTime(now),
    notBefore: toIsoTime(notBefore),
    notAfter: toIsoTime(notAfter),
  });
}

export function checkCriticalExtensions(
  certificate: Certificate,
  understood: ReadonlySet<string> | undefined,
): void {
  for (const [oid, { critical }] of certificate.extensions) {
    if (critical && !UNDERSTOOD.has(oid) && understood?.has(oid) !== true)
      throw fault("EVIDENCE_CHAIN_CRITICAL_EXTENSION", certificate, { oid });
  }
}

function checkUsage(certificate: Certificate, usage: KeyUsage): void {
  if (certificate.keyUsage?.has(usage) === false)
    throw fault("EVIDENCE_CHAIN_KEY_USAGE", certificate, { usage });
}

/** `below` is the number of CA certificates between this one and the leaf (§4.2.1.9). */
function checkCa(certificate: Certificate, below: number): void {
  const { isCa, pathLength } = certificate.basicConstraints;
  if (!isCa) throw fault("EVIDENCE_CHAIN_NOT_CA", certificate, {});
  if (pathLength !== null && below > pathLength)
    throw fault("EVIDENCE_CHAIN_PATH_LENGTH", certificate, { pathLength, below });
  checkUsage(certificate, "keyCertSign");
}

type ChainRuleCode = Extract<EvidenceErrorCode, `EVIDENCE_CHAIN_${string}`>;

const MESSAGE: Readonly<Record<ChainRuleCode, string>> = {
  EVIDENCE_CHAIN_INVALID: "certificate is not signed by the issuer it names",
  EVIDENCE_CHAIN_UNTRUSTED: "certificate chain does not end at a pinned root",
  EVIDENCE_CHAIN_NOT_YET_VALID: "certificate is not yet valid at the time of verification",
  EVIDENCE_CHAIN_EXPIRED: "certificate had expired at the time of verification",
  EVIDENCE_CHAIN_CRITICAL_EXTENSION: "certificate has a critical extension that is not understood",
  EVIDENCE_CHAIN_KEY_USAGE: "certificate's key is not meant for this",
  EVIDENCE_CHAIN_NOT_CA: "certificate issued another and is not a CA",
  EVIDENCE_CHAIN_PATH_LENGTH: "certificate path is longer than a CA in it allows",
};

function fault(
  code: ChainRuleCode,
  certificate: Certificate,
  details: Readonly<Record<string, string | number>>,
): EvidenceError {
  return new EvidenceError({
    code,
    message: `${MESSAGE[code]}: ${certificate.label}`,
    details: { certificate: certificate.label, ...details },
  });
}
