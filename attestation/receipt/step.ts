import { EvidenceError, type ErrorDetails, type EvidenceErrorCode } from "../../protocol/errors.ts";
import type { Check } from "../evidence/verified-evidence.ts";

/** The steps of `verifyReceipt`, in order. A failing receipt's error names its step in `details.check`. */
export type ReceiptStep =
  | "format"
  | "domain"
  | "request"
  | "payload"
  | "output"
  | "state-block"
  | "transcript-root"
  | "transcript-events"
  | "bodies"
  | "evidence-hash"
  | "keyset"
  | "signature"
  | "evidence"
  | "binding";

export interface ReceiptCheck extends Check {
  readonly name: ReceiptStep;
}

export interface ReceiptFailure {
  readonly message: string;
  readonly code?: EvidenceErrorCode;
  readonly details?: ErrorDetails;
  readonly cause?: unknown;
}

/** The error of a step that does not hold. */
export function failure(step: ReceiptStep, { message, code, details, cause }: ReceiptFailure): EvidenceError {
  return new EvidenceError({
    code: code ?? "EVIDENCE_BINDING_MISMATCH",
    message: `receipt, ${step}: ${message}`,
    details: { check: step, ...details },
    cause,
  });
}

export function passed(step: ReceiptStep, detail: string): ReceiptCheck {
  return { name: step, ok: true, detail };
}
