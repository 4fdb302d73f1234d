/** `adyton verify RECEIPT`. */

import {
  appraiseEvidence,
  verifyReceipt,
  type AppraisalPolicy,
  type VerifiedReceipt,
} from "../../attestation/index.ts";
import { answerStatusName } from "../../protocol/answer.ts";
import { AdytonError } from "../../protocol/errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { checkNotRevoked, exitCodeOf, type ReportedCheck, type VerifyOutcome } from "./report.ts";

/** Text that only a receipt holds, whether or not it still is one: a damaged receipt is judged as a receipt. */
const RECEIPT_MARKS = ['"transcriptRoot"', '"transcript"', '"keyset"', '"signature"'];

export function looksLikeReceipt(file: Uint8Array): boolean {
  const text = new TextDecoder().decode(file);
  return text.startsWith("{") && RECEIPT_MARKS.filter((mark) => text.includes(mark)).length >= 2;
}

/** A further check, after the receipt itself holds: the chain's, for `--rpc`. */
export type FurtherCheck = (verified: VerifiedReceipt) => Promise<readonly ReportedCheck[]>;

export interface ReceiptOptions {
  readonly policy: AppraisalPolicy | null;
  readonly further: FurtherCheck | null;
}

/** Judges a receipt. Errors of the taxonomy become the outcome; anything else is a bug and is thrown. */
export async function verifyReceiptFile(file: Uint8Array, options: ReceiptOptions): Promise<VerifyOutcome> {
  const checks: ReportedCheck[] = [];
  let verified: VerifiedReceipt | null = null;
  try {
    verified = await verifyReceipt(file, { onCheck: (check) => checks.push(check) });
    checkNotRevoked(verified.evidence);
    if (options.further !== null) checks.push(...(await options.further(verified)));
    if (options.policy === null) return outcome(ExitCode.notAppraised, verified, checks);
    const appraised = appraiseEvidence(verified.evidence, options.policy, {
      now: verified.evidence.verifiedAt,
    });
    checks.push(...appraised.checks.map((check) => ({ ...check, name: `policy: ${check.name}` })));
    return outcome(ExitCode.ok, verified, checks);
  } catch (error) {
    if (!(error instanceof AdytonError)) throw error;
    const known = error as AdytonError;
    const failed = known.details["check"] ?? (verified === null ? "receipt" : "policy");
    checks.push({ name: String(failed), ok: false, detail: known.message });
    return outcome(exitCodeOf(known), verified, checks, known);
  }
}

function outcome(
  exitCode: ExitCode,
  verified: VerifiedReceipt | null,
  checks: readonly ReportedCheck[],
  error?: AdytonError,
): VerifyOutcome {
  const appraised = exitCode === ExitCode.ok ? true : exitCode === ExitCode.refused ? false : null;
  const { evidence } = verified ?? {};
  return {
    exitCode,
    report: {
      kind: "receipt",
      verified: verified !== null && exitCode !== ExitCode.notGenuine,
      appraised,
      ...(evidence?.tcbStatus == null ? {} : { tcbStatus: evidence.tcbStatus }),
      ...(evidence === undefined ? {} : { advisories: evidence.advisories }),
      claims: verified === null ? {} : describeClaims(verified),
      checks,
      ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
    },
  };
}

function describeClaims({ receipt, evidence }: VerifiedReceipt): Record<string, unknown> {
  const { answer } = receipt;
  return {
    requestId: answer.requestId,
    status: answerStatusName(answer.status),
    answeredAt: answer.answeredAt.toString(),
    keysetId: answer.keysetId,
    evidenceKind: evidence.kind,
    ...evidence.claims,
  };
}
