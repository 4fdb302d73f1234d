/** Is Azure vTPM evidence genuine? The hardware report first, then what hangs on it. */

import { EvidenceError } from "../../protocol/errors.ts";
import { parseAmdEndorsements, type AmdEndorsements } from "../amd/amd-endorsements.ts";
import { mergeAmdEndorsements } from "../amd/merge-endorsements.ts";
import { verifySnpReport } from "../amd/verify-snp-report.ts";
import type { IntelEndorsements } from "../intel/intel-endorsements.ts";
import { verifyTdxQuote } from "../intel/verify-tdx.ts";
import type { UnixSeconds } from "../unix-time.ts";
import { sealVerified, type VerifiedEvidence } from "../verified-evidence.ts";
import { parseAzureEvidence } from "./azure-evidence.ts";
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
  bytes: Uint8Array,
  endorsements: AmdEndorsements | undefined,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"azureSnp">> {
  const evidence = parseAzureEvidence(bytes);
  const hcl = parseHclReport(evidence.hclReport);
  checkHardware(hcl.hardware, "snp");
  const own =
    evidence.vcek === null ? undefined : parseAmdEndorsements({ certificates: [evidence.vcek], crls: [] });
  const hardware = await verifySnpReport(hcl.hardwareReport, mergeAmdEndorsements(own, endorsements), {
    now,
  });
  const vtpm = await verifyVtpm(hcl, evidence.tpmQuote, hardware.reportData);
  return sealVerified({
    ...hardware,
    kind: "azureSnp",
    claims: { hardware: hardware.claims, vtpm: vtpm.claims },
    reportData: vtpm.claims.extraData === "0x" ? null : vtpm.claims.extraData,
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
  bytes: Uint8Array,
  endorsements: IntelEndorsements,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"azureTdx">> {
  const { hclReport, tpmQuote, tdQuote } = parseAzureEvidence(bytes);
  const hcl = parseHclReport(hclReport);
  checkHardware(hcl.hardware, tdQuote === null ? "snp" : "tdx");
  const hardware = await verifyTdxQuote(tdQuote ?? new Uint8Array(), endorsements, { now });
  const vtpm = await verifyVtpm(hcl, tpmQuote, hardware.reportData);
  return sealVerified({
    ...hardware,
    kind: "azureTdx",
    claims: { hardware: hardware.claims, vtpm: vtpm.claims },
    reportData: vtpm.claims.extraData === "0x" ? null : vtpm.claims.extraData,
    checks: [...hardware.checks, ...vtpm.checks],
  });
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
