import { toUtf8 } from "../../protocol/bytes.ts";
import { EndorsementError } from "../../protocol/errors.ts";
import { malformed } from "../encoding/malformed.ts";
import { asEndorsement } from "../endorsements/as-endorsement.ts";
import type { UnixSeconds } from "../time/unix-time.ts";
import { parseCertificate, type Certificate } from "../x509/certificate.ts";
import { verifyPath, type VerifiedPath } from "../x509/path.ts";
import { fromBase64, splitPem } from "../x509/pem.ts";
import type { IntelEndorsements } from "./intel-endorsements.ts";
import { parsePckExtension } from "./pck-certificate.ts";
import type { PckName, Quote } from "./quote.ts";
import type { QuoteTrust } from "./trust.ts";

const latin1 = new TextDecoder("latin1");

/** Common names under Intel's root, whose certificates differ by name only (QVL 4.1.2.4.4, SGX_PCK_CN_PHRASE). */
const PCK_PHRASE = "SGX PCK Certificate";

export interface PckChain {
  readonly leaf: Certificate;
  /** Everything that came with the quote, in its order. */
  readonly certificates: readonly Certificate[];
}

/**
 * Reads the PEM chain of a quote. CA certificates that the endorsements hold too are taken from there: parsed, with
 * their keys imported and their signatures checked.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED
 */
export function parsePckChain(
  pem: Uint8Array<ArrayBuffer>,
  endorsements: Pick<IntelEndorsements, "certificates">,
): PckChain {
  const certificates = splitPem(latin1.decode(pem), "CERTIFICATE").map(
    (body) => endorsements.certificates.get(body) ?? parseCertificate(fromBase64(body)),
  );
  // Usually first, but quotes exist whose chain is in another order.
  const leaf = certificates.find(
    ({ label, basicConstraints }) => label.includes(PCK_PHRASE) && !basicConstraints.isCa,
  );
  if (leaf === undefined) throw malformed("quote carries no PCK certificate");
  return { leaf, certificates };
}

/**
 * The chain of a quote's PCK: its own, or the one among the endorsements where the quote brings none.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED
 * @throws {EndorsementError} ENDORSEMENT_UNAVAILABLE there is none; ENDORSEMENT_MISMATCH it is of another PCK than the quote names
 */
export function findPckChain(
  { pckChain, pckName }: Pick<Quote, "pckChain" | "pckName">,
  endorsements: IntelEndorsements | undefined,
): PckChain {
  if (pckChain !== null) return parsePckChain(pckChain, endorsements ?? NO_CERTIFICATES);
  const pem = endorsements?.collateral.pck_certificate_chain;
  if (endorsements === undefined || pem === undefined) {
    throw new EndorsementError({
      code: "ENDORSEMENT_UNAVAILABLE",
      message: `the quote ${pckName === null ? "brings no PCK chain" : "names its PCK by an encrypted PPID"}: give the platform's PCK certificate and its issuers (PEM) among the endorsements, as the host has them from its PCCS`,
      details: { endorsement: "PCK certificate chain", ...pckName },
    });
  }
  const chain = asEndorsement("PCK certificate chain", () => parsePckChain(toUtf8(pem), endorsements));
  if (pckName !== null && !isNamedBy(chain.leaf, pckName)) {
    throw new EndorsementError({
      code: "ENDORSEMENT_MISMATCH",
      message: "the PCK certificate among the endorsements is for another TCB than the quote's",
      details: { endorsement: "PCK certificate chain", ...pckName },
    });
  }
  return chain;
}

/** Whether a PCK certificate is of the TCB that a quote names. Which platform's it is, the signature decides. */
export function isNamedBy(leaf: Certificate, name: PckName): boolean {
  const { cpuSvn, pceSvn, pceId } = parsePckExtension(leaf);
  return cpuSvn === name.cpuSvn && pceSvn === name.pceSvn && pceId === name.pceId;
}

const NO_CERTIFICATES = { certificates: new Map<string, never>() };

/** Checks the PCK certificate's path to the trusted root, and that neither it nor its CA is revoked. */
export async function verifyPckChain(
  { leaf, certificates }: PckChain,
  endorsements: IntelEndorsements,
  { trust, now }: { readonly trust: QuoteTrust; readonly now: UnixSeconds },
): Promise<VerifiedPath> {
  const known = [...endorsements.certificates.values()].filter(
    (certificate) => !certificates.includes(certificate),
  );
  return await verifyPath(leaf, {
    pool: [...certificates, ...known],
    roots: [trust.anchor],
    now,
    revocation: { crls: endorsements.crls },
    leaf: "seen-once",
  });
}
