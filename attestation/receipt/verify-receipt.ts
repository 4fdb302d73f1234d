/** Receipts: was this answered so, by an enclave whose evidence is genuine? */

import { fromHex } from "../../protocol/bytes.ts";
import { AdytonError, EvidenceError } from "../../protocol/errors.ts";
import { parseReceipt, type Receipt } from "../../protocol/receipt.ts";
import { parseEndorsements } from "../endorsements/endorsements-json.ts";
import { checksOf, keepChecks } from "../evidence/check-list.ts";
import { verifyEvidence } from "../evidence/verify-evidence.ts";
import { checkDomain, checkOutput, checkPayload, checkRequest, checkStateBlock } from "./commitments.ts";
import { checkBinding, checkKeyset, checkSignature } from "./identity.ts";
import { failure, passed, type ReceiptCheck, type ReceiptStep } from "./step.ts";
import { checkBodies, checkEvidenceHash, checkTranscriptEvents, checkTranscriptRoot } from "./transcript.ts";
import { toIsoTime } from "../time/unix-time.ts";
import type { VerifiedEvidence } from "../evidence/verified-evidence.ts";

export type { ReceiptCheck } from "./step.ts";

export interface VerifiedReceipt {
  readonly receipt: Receipt;
  readonly evidence: VerifiedEvidence;
  /** What was compared, in order. */
  readonly checks: readonly ReceiptCheck[];
}

/** Checks that need nothing but the receipt, in the order in which faults are reported. Each stands by itself. */
export const RECEIPT_STEPS: readonly (readonly [ReceiptStep, (receipt: Receipt) => ReceiptCheck])[] = [
  ["domain", checkDomain],
  ["request", checkRequest],
  ["payload", checkPayload],
  ["output", checkOutput],
  ["state-block", checkStateBlock],
  ["transcript-root", checkTranscriptRoot],
  ["transcript-events", checkTranscriptEvents],
  ["bodies", checkBodies],
  ["evidence-hash", checkEvidenceHash],
  ["keyset", checkKeyset],
  ["signature", checkSignature],
];

/**
 * Verifies a receipt at its own `answeredAt`, with the endorsements it carries.
 *
 * Holds on return: the answer is to this request and payload, was signed by the keyset's key over this output and
 * transcript, and genuine evidence is bound to that keyset.
 * Left to the caller: whether the evidence is acceptable (`appraiseEvidence`), whether the keyset was admitted on
 * chain, whether the state block is a block of the chain, and whether this answer was the one fulfilled.
 *
 * @param file the receipt file's bytes, at most 16 MiB
 * @throws {EvidenceError} for the first step that does not hold; `details.check` names the step
 * @throws {EndorsementError} when the evidence cannot be judged with what the receipt carries
 */
export async function verifyReceipt(file: Uint8Array): Promise<VerifiedReceipt> {
  const receipt = parseReceiptFile(file);
  const checks = [passed("format", `canonical JSON, ${file.length} bytes`)];
  for (const [, check] of RECEIPT_STEPS) checks.push(check(receipt));
  const evidence = await verifyCarriedEvidence(receipt);
  checks.push(
    passed("evidence", `genuine ${evidence.kind} at ${toIsoTime(evidence.verifiedAt)}, the answer's time`),
    checkBinding(receipt, evidence.reportData),
  );
  return { receipt, evidence, checks };
}

/** @throws {EvidenceError} EVIDENCE_MALFORMED */
export function parseReceiptFile(file: Uint8Array): Receipt {
  try {
    return parseReceipt(file);
  } catch (cause) {
    /* v8 ignore next -- anything else is a bug, and no input is known that brings one about */
    if (!(cause instanceof AdytonError)) throw cause;
    throw failure("format", {
      code: "EVIDENCE_MALFORMED",
      message: cause.message,
      details: cause.details,
      cause,
    });
  }
}

/** @throws {EvidenceError | EndorsementError} */
export async function verifyCarriedEvidence({
  evidence,
  endorsements,
  answer,
}: Receipt): Promise<VerifiedEvidence> {
  const now = Number(answer.answeredAt);
  try {
    const verified = await verifyEvidence(fromHex(evidence.bytes), parseEndorsements(endorsements), { now });
    if (verified.kind !== evidence.kind) {
      throw failure("evidence", {
        message: "the evidence is of another kind than the receipt says",
        details: { expected: evidence.kind, actual: verified.kind },
      });
    }
    return verified;
  } catch (error) {
    if (!(error instanceof EvidenceError) || error.details["check"] !== undefined) throw error;
    const wrapped = failure("evidence", {
      code: error.code,
      message: error.message,
      details: error.details,
      cause: error,
    });
    keepChecks(wrapped, checksOf(error));
    throw wrapped;
  }
}
