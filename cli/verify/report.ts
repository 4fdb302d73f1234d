/** What `adyton verify` found, and how it is shown: to a program as one JSON object, to a person as a list of checks. */

import type { VerifiedEvidence } from "../../attestation/index.ts";
import { EvidenceError, type AdytonError } from "../../protocol/errors.ts";
import { ExitCode } from "../exit-codes.ts";

export interface ReportedCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail?: string;
}

/** The object of `--json`. Fields with a question mark are left out where the kind has none. */
export interface VerifyReport {
  readonly kind: string;
  /** Genuine. */
  readonly verified: boolean;
  /** Accepted by the policy; `null`: nothing was appraised. */
  readonly appraised: boolean | null;
  readonly tcbStatus?: string;
  readonly advisories?: readonly string[];
  /** In the vendor's names. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly checks: readonly ReportedCheck[];
  readonly error?: { readonly code: string; readonly message: string };
}

export interface VerifyOutcome {
  readonly exitCode: ExitCode;
  readonly report: VerifyReport;
}

/**
 * Refuses a platform whose TCB level the vendor revoked. The evidence verifies and no policy can accept it; to somebody who
 * gave no policy, "genuine" would be the wrong word for what a revoked platform says.
 *
 * @throws {EvidenceError} EVIDENCE_REVOKED
 */
export function checkNotRevoked({ tcbStatus }: Pick<VerifiedEvidence, "tcbStatus">): void {
  if (tcbStatus !== "Revoked") return;
  throw new EvidenceError({
    code: "EVIDENCE_REVOKED",
    message: "the vendor has revoked this platform's TCB level: what it signs proves nothing",
    details: { tcbStatus },
  });
}

/** The exit status that an error of verification or appraisal stands for. Anything else is a bug and is thrown on. */
export function exitCodeOf(error: AdytonError): ExitCode {
  if (error.code.startsWith("APPRAISAL_")) return ExitCode.refused;
  if (error.code.startsWith("ENDORSEMENT_") || error.code.startsWith("CHAIN_")) return ExitCode.cannotJudge;
  if (error.code.startsWith("EVIDENCE_")) return ExitCode.notGenuine;
  return ExitCode.usage;
}
