import type { Hex } from "../../protocol/bytes.ts";
import { AppraisalError } from "../../protocol/errors.ts";
import { checkSealed, type VerifiedEvidence } from "../evidence/verified-evidence.ts";

/**
 * Checks that the attester bound exactly `expected` to its evidence: the answer to one nonce, or the hash of one keyset.
 *
 * @param expected all of it: 64 bytes for SGX, TDX and SNP
 * @throws {AppraisalError} APPRAISAL_REPORT_DATA_MISMATCH
 */
export function checkReportData(evidence: VerifiedEvidence, expected: Hex): void {
  checkSealed(evidence);
  if (evidence.reportData !== expected) {
    throw new AppraisalError({
      code: "APPRAISAL_REPORT_DATA_MISMATCH",
      message: "the evidence is bound to other report data than asked for",
      details: { expected, actual: evidence.reportData },
    });
  }
}
