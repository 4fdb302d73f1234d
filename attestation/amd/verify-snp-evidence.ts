import type { UnixSeconds } from "../time/unix-time.ts";
import type { VerifiedEvidence } from "../evidence/verified-evidence.ts";
import { parseAmdCertificateTable, parseAmdEndorsements, type AmdEndorsements } from "./amd-endorsements.ts";
import { mergeAmdEndorsements } from "./merge-endorsements.ts";
import { AMD_ROOTS, type SnpRoot } from "./roots.ts";
import { parseSnpEvidence, type SnpEvidence } from "./snp-evidence.ts";
import { verifySnpReportUnder } from "./verify-snp-report.ts";

/**
 * Verifies a report in any of its forms, with the certificates that it brings and those of `endorsements`, which is
 * undefined where the caller has none. It establishes what `verifySnpReport` establishes.
 *
 * @throws {EvidenceError} not genuine
 * @throws {EndorsementError} it cannot be judged with these endorsements at `now`
 */
export async function verifySnpEvidence(
  evidence: Uint8Array | SnpEvidence,
  endorsements: AmdEndorsements | undefined,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"snp">> {
  return await verifySnpEvidenceUnder(AMD_ROOTS, evidence, { endorsements, now });
}

/** `verifySnpEvidence` under other roots: for tests. */
export async function verifySnpEvidenceUnder(
  roots: readonly SnpRoot[],
  evidence: Uint8Array | SnpEvidence,
  { endorsements, now }: { readonly endorsements: AmdEndorsements | undefined; readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"snp">> {
  const parsed = evidence instanceof Uint8Array ? parseSnpEvidence(evidence) : evidence;
  const offered = mergeAmdEndorsements(carriedEndorsements(parsed), endorsements);
  return await verifySnpReportUnder(roots, parsed.report, { endorsements: offered, now });
}

/**
 * What evidence brings along, in a host's table or beside the report.
 *
 * @throws {EndorsementError} ENDORSEMENT_MALFORMED
 */
function carriedEndorsements({ certificateTable, certificates }: SnpEvidence): AmdEndorsements {
  return mergeAmdEndorsements(
    certificateTable === null ? undefined : parseAmdCertificateTable(certificateTable),
    parseAmdEndorsements({ certificates, crls: [] }),
  );
}
