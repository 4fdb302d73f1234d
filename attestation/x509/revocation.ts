import { EndorsementError, EvidenceError } from "../../protocol/errors.ts";
import { toIsoTime, type UnixSeconds } from "../time/unix-time.ts";
import type { Certificate } from "./certificate.ts";
import type { Crl } from "./crl.ts";
import type { KeyUsage } from "./extensions.ts";
import { isIssuedBy } from "./issued-by.ts";
import type { PublicKey } from "./public-key.ts";

export interface Issuer {
  readonly publicKey: PublicKey;
  readonly keyUsage: ReadonlySet<KeyUsage> | null;
}

export interface RevocationInput {
  readonly issuer: Issuer;
  readonly crls: readonly Crl[];
  readonly now: UnixSeconds;
  /** Leaf or CA: each has its own code. */
  readonly role: "leaf" | "ca";
}

/**
 * Checks `certificate` against every authentic, in-date CRL of its issuer, of which there must be one: a list that is
 * missing or out of date stops the judgement, it never passes for an empty one (RFC 5280 §6.3.3).
 *
 * @returns the lists relied on
 * @throws {EvidenceError} EVIDENCE_REVOKED, EVIDENCE_CA_REVOKED
 * @throws {EndorsementError} ENDORSEMENT_UNAVAILABLE, ENDORSEMENT_SIGNATURE_INVALID, ENDORSEMENT_EXPIRED,
 *   ENDORSEMENT_NOT_YET_VALID
 */
export async function checkRevocation(
  certificate: Certificate,
  input: RevocationInput,
): Promise<readonly Crl[]> {
  const named = input.crls.filter((crl) => crl.issuer === certificate.issuer);
  const details = { certificate: certificate.label, serial: certificate.serial };
  if (named.length === 0) {
    throw new EndorsementError({
      code: "ENDORSEMENT_UNAVAILABLE",
      message: `no revocation list of the issuer of ${certificate.label}`,
      details,
    });
  }
  const authentic = await filterAuthentic(named, input.issuer);
  if (authentic.length === 0) {
    throw new EndorsementError({
      code: "ENDORSEMENT_SIGNATURE_INVALID",
      message: `the revocation list for ${certificate.label} is not signed by its issuer`,
      details,
    });
  }
  const current = filterCurrent(authentic, certificate, input.now);
  if (current.some((crl) => crl.revoked.has(certificate.serial))) {
    throw new EvidenceError({
      code: input.role === "leaf" ? "EVIDENCE_REVOKED" : "EVIDENCE_CA_REVOKED",
      message: `certificate is revoked: ${certificate.label}`,
      details,
    });
  }
  return current;
}

/** Without cRLSign in a key usage that is present, a key may sign no list (RFC 5280 §4.2.1.3). */
async function filterAuthentic(crls: readonly Crl[], issuer: Issuer): Promise<readonly Crl[]> {
  if (issuer.keyUsage !== null && !issuer.keyUsage.has("cRLSign")) return [];
  const verdicts = await Promise.all(crls.map((crl) => isIssuedBy(crl, issuer.publicKey)));
  return crls.filter((_, index) => verdicts[index] === true);
}

function filterCurrent(crls: readonly Crl[], certificate: Certificate, now: UnixSeconds): readonly Crl[] {
  const started = crls.filter((crl) => crl.thisUpdate <= now);
  const current = started.filter((crl) => now <= crl.nextUpdate);
  if (current.length > 0) return current;
  const code = started.length === 0 ? "ENDORSEMENT_NOT_YET_VALID" : "ENDORSEMENT_EXPIRED";
  throw new EndorsementError({
    code,
    message: `the revocation list for ${certificate.label} is not in date`,
    details: {
      certificate: certificate.label,
      now: toIsoTime(now),
      ...(crls[0] && {
        thisUpdate: toIsoTime(crls[0].thisUpdate),
        nextUpdate: toIsoTime(crls[0].nextUpdate),
      }),
    },
  });
}
