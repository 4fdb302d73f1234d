/** Is Azure vTPM evidence genuine? The hardware report first, then what hangs on it. */

import { toHex, type Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { parseAmdEndorsements, type AmdEndorsements } from "../amd/amd-endorsements.ts";
import { mergeAmdEndorsements } from "../amd/merge-endorsements.ts";
import { AMD_ROOTS, type SnpRoot } from "../amd/roots.ts";
import { parseSnpReport } from "../amd/snp-report.ts";
import { verifySnpReportUnder } from "../amd/verify-snp-report.ts";
import type { IntelEndorsements } from "../intel/intel-endorsements.ts";
import { readField } from "../encoding/layout.ts";
import { CheckList, valueOf, type Pending } from "../evidence/check-list.ts";
import { parseQuote } from "../intel/quote.ts";
import { TD_REPORT_BODY } from "../intel/quote-layout.ts";
import { INTEL_TRUST } from "../intel/trust.ts";
import { verifyTdQuote, type TdQuoteContext } from "../intel/verify-tdx.ts";
import type { UnixSeconds } from "../time/unix-time.ts";
import { sealVerified, type CheckSubject, type VerifiedEvidence } from "../evidence/verified-evidence.ts";
import { parseAzureEvidence, type AzureEvidence } from "./azure-evidence.ts";
import type { VtpmClaims } from "./claims.ts";
import { parseHclReport, type HclReport } from "./hcl-report.ts";
import { verifyVtpm, type VerifiedVtpm } from "./verify-vtpm.ts";

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
  const list = new CheckList();
  const verifying = list.start(
    HARDWARE,
    async () => await verifySnpReportUnder(roots, hcl.hardwareReport, { endorsements: offered, now }),
    ({ checks }) => checks,
  );
  const { reportData } = parseSnpReport(hcl.hardwareReport);
  const quoted = startVtpm(list, hcl, { tpmQuote, reportData });
  const checks = await list.finish();
  const hardware = await valueOf(verifying);
  const vtpm = (await valueOf(quoted)).claims;
  return sealVerified({
    ...hardware,
    kind: "azureSnp",
    claims: { hardware: hardware.claims, vtpm },
    reportData: boundData(vtpm),
    checks,
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
  const td = parseQuote(new Uint8Array(tdQuote ?? []));
  const list = new CheckList();
  const verifying = list.start(
    HARDWARE,
    async () => await verifyTdQuote("tdx", td, context),
    ({ checks }) => checks,
  );
  const reportData = readField(td.body, TD_REPORT_BODY.reportData);
  const quoted = startVtpm(list, hcl, { tpmQuote, reportData });
  const checks = await list.finish();
  const hardware = await valueOf(verifying);
  const vtpm = (await valueOf(quoted)).claims;
  return sealVerified({
    ...hardware,
    kind: "azureTdx",
    claims: { hardware: hardware.claims, vtpm },
    reportData: boundData(vtpm),
    checks,
  });
}

function toParts(evidence: Uint8Array | AzureEvidence): AzureEvidence {
  return evidence instanceof Uint8Array ? parseAzureEvidence(evidence) : evidence;
}

const HARDWARE: CheckSubject = { name: "hardware", link: "hardware" };

interface VtpmParts {
  readonly tpmQuote: AzureEvidence["tpmQuote"];
  /** As it stands in the hardware report, whose own signature is another check. */
  readonly reportData: Uint8Array;
}

function startVtpm(
  list: CheckList,
  hcl: HclReport,
  { tpmQuote, reportData }: VtpmParts,
): Pending<VerifiedVtpm> {
  return list.start(
    {
      name: "vTPM quote",
      link: "evidence",
      compared: "the runtime claims with the report data, and the TPM quote with their key",
    },
    async () => await verifyVtpm(hcl, tpmQuote, toHex(reportData)),
    ({ checks }) => checks,
  );
}

/** The data that the guest bound through its vTPM; a quote without qualifying data binds nothing. */
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
