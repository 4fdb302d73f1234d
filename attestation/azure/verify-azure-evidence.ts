/** Is Azure vTPM evidence genuine? The hardware report first, then what hangs on it. */

import type { Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { parseAmdEndorsements, type AmdEndorsements } from "../amd/amd-endorsements.ts";
import { mergeAmdEndorsements } from "../amd/merge-endorsements.ts";
import { AMD_ROOTS, type SnpRoot } from "../amd/roots.ts";
import { verifySnpReportUnder } from "../amd/verify-snp-report.ts";
import type { IntelEndorsements } from "../intel/intel-endorsements.ts";
import { INTEL_TRUST } from "../intel/trust.ts";
import { verifyTdQuote, type TdQuoteContext } from "../intel/verify-tdx.ts";
import type { UnixSeconds } from "../time/unix-time.ts";
import { sealVerified, type VerifiedEvidence } from "../evidence/verified-evidence.ts";
import { parseAzureEvidence, type AzureEvidence } from "./azure-evidence.ts";
import type { VtpmClaims } from "./claims.ts";
import { parseHclReport } from "./hcl-report.ts";
import { verifyVtpm } from "./verify-vtpm.ts";

/**
 * Genuine evidence of an Azure confidential VM on SEV-SNP: the report is (`verifySnpReport`), and the vTPM whose key
 * it binds quoted these PCRs. `reportData` is the quote's qualifying data: the guest never chooses the report's.
 *
 * Leaves to the caller: what `verifySnpReport` leaves; the PCRs; and that MEASUREMENT is a paravisor of Microsoft's,
 * without which the vTPM is anyone's program.
 *
 * @throws {EvidenceError} not genuine
 * @throws {EndorsementError} it cannot be judged with these endorsements at `now`
 */
export async function verifyAzureSnpEvidence(
  evidence: Uint8Array | AzureEvidence,
  endorsements: AmdEndorsements | undefined,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"azureSnp">> {
  return await verifyAzureSnpEvidenceUnder(AMD_ROOTS, evidence, { endorsements, now });
}

/** `verifyAzureSnpEvidence` under other roots: for tests. */
export async function verifyAzureSnpEvidenceUnder(
  roots: readonly SnpRoot[],
  evidence: Uint8Array | AzureEvidence,
  { endorsements, now }: { readonly endorsements: AmdEndorsements | undefined; readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"azureSnp">> {
  const { hclReport, tpmQuote, vcek } = toParts(evidence);
  const hcl = parseHclReport(hclReport);
  checkHardware(hcl.hardware, "snp");
  const own = vcek === null ? undefined : parseAmdEndorsements({ certificates: [vcek], crls: [] });
  const offered = mergeAmdEndorsements(own, endorsements);
  const hardware = await verifySnpReportUnder(roots, hcl.hardwareReport, { endorsements: offered, now });
  const vtpm = await verifyVtpm(hcl, tpmQuote, hardware.reportData);
  return sealVerified({
    ...hardware,
    kind: "azureSnp",
    claims: { hardware: hardware.claims, vtpm: vtpm.claims },
    reportData: boundData(vtpm.claims),
    checks: [...hardware.checks, ...vtpm.checks],
  });
}

/**
 * Genuine evidence of an Azure confidential VM on TDX: the quote is (`verifyTdxQuote`), and the vTPM whose key it
 * binds quoted these PCRs. What is left to the caller is as with SEV-SNP.
 *
 * @throws {EvidenceError} not genuine
 * @throws {EndorsementError} it cannot be judged with these endorsements at `now`
 */
export async function verifyAzureTdxEvidence(
  evidence: Uint8Array | AzureEvidence,
  endorsements: IntelEndorsements | undefined,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"azureTdx">> {
  return await verifyAzureTdxEvidenceUnder(evidence, { endorsements, now, trust: INTEL_TRUST });
}

/** `verifyAzureTdxEvidence` under another root: for tests. */
export async function verifyAzureTdxEvidenceUnder(
  evidence: Uint8Array | AzureEvidence,
  context: TdQuoteContext,
): Promise<VerifiedEvidence<"azureTdx">> {
  const { hclReport, tpmQuote, tdQuote } = toParts(evidence);
  const hcl = parseHclReport(hclReport);
  checkHardware(hcl.hardware, "tdx");
  const hardware = await verifyTdQuote("tdx", tdQuote ?? new Uint8Array(), context);
  const vtpm = await verifyVtpm(hcl, tpmQuote, hardware.reportData);
  return sealVerified({
    ...hardware,
    kind: "azureTdx",
    claims: { hardware: hardware.claims, vtpm: vtpm.claims },
    reportData: boundData(vtpm.claims),
    checks: [...hardware.checks, ...vtpm.checks],
  });
}

function toParts(evidence: Uint8Array | AzureEvidence): AzureEvidence {
  return evidence instanceof Uint8Array ? parseAzureEvidence(evidence) : evidence;
}

/** What the guest bound through its vTPM; a quote without qualifying data binds nothing. */
function boundData({ extraData }: VtpmClaims): Hex | null {
  return extraData === "0x" ? null : extraData;
}

function checkHardware(actual: "snp" | "tdx", expected: "snp" | "tdx"): void {
  if (actual !== expected) {
    throw new EvidenceError({
      code: "EVIDENCE_MALFORMED",
      message: "the HCL report is of other hardware than the evidence around it",
      details: { actual, expected },
    });
  }
}
