import { readUint } from "../layout.ts";
import { SNP_REPORT, SNP_REPORT_LENGTH } from "./snp-report.ts";

const VERSIONS: ReadonlySet<number> = new Set([2, 3, 5]);

/** ECDSA P-384 with SHA-384 (AMD 56860, table 139). */
const SIGNATURE_ALGORITHM = 1;

/** Whether this begins as an SEV-SNP attestation report does. Never throws. */
export function recogniseSnpReport(evidence: Uint8Array): boolean {
  return (
    evidence.length >= SNP_REPORT_LENGTH &&
    VERSIONS.has(readUint(evidence, SNP_REPORT.version)) &&
    readUint(evidence, SNP_REPORT.signatureAlgo) === SIGNATURE_ALGORITHM
  );
}
