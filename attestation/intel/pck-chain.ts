import { malformed } from "../encoding/malformed.ts";
import type { UnixSeconds } from "../time/unix-time.ts";
import { parseCertificate, type Certificate } from "../x509/certificate.ts";
import { verifyPath, type VerifiedPath } from "../x509/path.ts";
import { fromBase64, splitPem } from "../x509/pem.ts";
import type { IntelEndorsements } from "./intel-endorsements.ts";
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
