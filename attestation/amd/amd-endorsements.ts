import { asEndorsement } from "../endorsements/as-endorsement.ts";
import type { Certificate } from "../x509/certificate.ts";
import type { Crl } from "../x509/crl.ts";
import { parseCertificates, parseCrls } from "../x509/pem-or-der.ts";
import { parseCertificateTable, type SnpCertificateKind } from "./certificate-table.ts";

/**
 * AMD's word for platforms, read once: VCEK or VLEK certificates, the ASK (ASVK) above them, the ARK, and lists of
 * revoked ASKs. In any order, for any number of platforms; nothing in it is trusted before a report is verified.
 */
export interface AmdEndorsements {
  readonly certificates: readonly Certificate[];
  readonly crls: readonly Crl[];
}

export interface AmdEndorsementFiles {
  /** PEM or DER, as KDS serves them. */
  readonly certificates: readonly Uint8Array[];
  readonly crls: readonly Uint8Array[];
}

/** @throws {EndorsementError} ENDORSEMENT_MALFORMED */
export function parseAmdEndorsements(files: AmdEndorsementFiles): AmdEndorsements {
  return asEndorsement("AMD endorsements", () => ({
    certificates: files.certificates.flatMap(parseCertificates),
    crls: files.crls.flatMap(parseCrls),
  }));
}

const CERTIFICATE_KINDS: readonly SnpCertificateKind[] = ["vcek", "vlek", "ask", "ark"];

/**
 * What a host handed out beside an extended report (`certificate-table.ts`).
 *
 * @throws {EndorsementError} ENDORSEMENT_MALFORMED
 */
export function parseAmdCertificateTable(table: Uint8Array): AmdEndorsements {
  return asEndorsement("SEV-SNP certificate table", () => {
    const contents = parseCertificateTable(new Uint8Array(table));
    const crl = contents.get("crl");
    return {
      certificates: CERTIFICATE_KINDS.flatMap((kind) => {
        const content = contents.get(kind);
        return content === undefined ? [] : parseCertificates(content);
      }),
      crls: crl === undefined ? [] : parseCrls(crl),
    };
  });
}
