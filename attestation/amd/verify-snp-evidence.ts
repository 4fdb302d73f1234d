import type { UnixSeconds } from "../time/unix-time.ts";
import type { VerifiedEvidence } from "../evidence/verified-evidence.ts";
import { parseAmdCertificateTable, type AmdEndorsements } from "./amd-endorsements.ts";
import { mergeAmdEndorsements } from "./merge-endorsements.ts";
import { parseSnpEvidence, type SnpEvidence } from "./snp-evidence.ts";
import { verifySnpReport } from "./verify-snp-report.ts";

/**
 * Verifies a report in any of its forms, with the certificates that it brings and those of `endorsements`, which is
 * undefined where the caller has none. What holds afterwards is what holds after `verifySnpReport`.
 *
 * @throws {EvidenceError} not genuine
 * @throws {EndorsementError} it cannot be judged with these endorsements at `now`
 */
export async function verifySnpEvidence(
  evidence: Uint8Array | SnpEvidence,
  endorsements: AmdEndorsements | undefined,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"snp">> {
  const { report, certificateTable } = evidence instanceof Uint8Array ? parseSnpEvidence(evidence) : evidence;
  const own = certificateTable === null ? undefined : parseAmdCertificateTable(certificateTable);
  return await verifySnpReport(report, mergeAmdEndorsements(own, endorsements), { now });
}
