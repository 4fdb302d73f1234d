/** `adyton verify TWIN --receipt RECEIPT`: a receipt's COSE twin, and the receipt that shows what its hashes stand for. */

import { checkSameStatement, verifyCoseReceipt, type VerifiedCoseReceipt } from "../../attestation/index.ts";
import { answerStatusName } from "../../protocol/answer.ts";
import { AdytonError, EndorsementError } from "../../protocol/errors.ts";
import { verifyReceiptFile, type ReceiptOptions } from "./receipt.ts";
import { exitCodeOf, type ReportedCheck, type VerifyOutcome, type VerifyReport } from "./report.ts";

const KIND = "coseReceipt";

/**
 * Judges a twin. Without the receipt its signature can be checked, and not who made it: the evidence is named by hash.
 *
 * @param receipt the receipt file's bytes
 */
export async function verifyCoseFile(
  file: Uint8Array,
  receipt: Uint8Array | null,
  options: ReceiptOptions,
): Promise<VerifyOutcome> {
  const checks: ReportedCheck[] = [];
  let claims: VerifyReport["claims"] = {};
  try {
    const twin = verifyCoseReceipt(file);
    checks.push(...twin.checks.map((check) => ({ ...check, name: `twin: ${check.name}` })));
    claims = describeStatement(twin);
    if (receipt === null) {
      throw new EndorsementError({
        code: "ENDORSEMENT_UNAVAILABLE",
        message: "the twin names its evidence by hash: give the receipt that holds it with --receipt FILE",
        details: { check: "receipt" },
      });
    }
    const { exitCode, report } = await verifyReceiptFile(receipt, {
      ...options,
      further: async (verified) => [
        checkSameStatement(twin, verified.receipt),
        ...(options.further === null ? [] : await options.further(verified)),
      ],
    });
    return { exitCode, report: { ...report, kind: KIND, checks: [...checks, ...report.checks] } };
  } catch (error) {
    if (!(error instanceof AdytonError)) throw error;
    const { code, message, details } = error as AdytonError;
    checks.push({ name: `twin: ${String(details["check"] ?? "format")}`, ok: false, detail: message });
    return {
      exitCode: exitCodeOf(error as AdytonError),
      report: { kind: KIND, verified: false, appraised: null, claims, checks, error: { code, message } },
    };
  }
}

function describeStatement({ statement: { answer } }: VerifiedCoseReceipt): VerifyReport["claims"] {
  return {
    requestId: answer.requestId,
    status: answerStatusName(answer.status),
    answeredAt: answer.answeredAt.toString(),
    keysetId: answer.keysetId,
  };
}
