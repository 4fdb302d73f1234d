/** A receipt against what the client knows of the call: whom it asked, and what it sent. */

import { sha256 } from "@noble/hashes/sha2.js";
import {
  appraiseEvidence,
  verifyReceipt,
  type AppraisalPolicy,
  type VerifiedReceipt,
} from "../attestation/index.ts";
import { fromHex, toHex, type Hex } from "../protocol/bytes.ts";
import { EvidenceError } from "../protocol/errors.ts";

export interface ReceiptExpectation {
  readonly policy: AppraisalPolicy;
  /** Keysets that the policy accepted. */
  readonly accepted: ReadonlySet<Hex>;
  /** SHA-256 of the body of the call. */
  readonly bodyHash: Hex;
}

/** Bytes before the body in a payload: its type and its version. */
const PAYLOAD_HEAD_BYTES = 2;

/** @throws {EvidenceError} not genuine, or of another call; {AppraisalError}; {EndorsementError} */
export async function verifyReceiptOf(
  file: Uint8Array,
  { policy, accepted, bodyHash }: ReceiptExpectation,
): Promise<VerifiedReceipt> {
  const verified = await verifyReceipt(file);
  const { answer, payload } = verified.receipt;
  if (!accepted.has(answer.keysetId)) {
    throw mismatch("a keyset signed the receipt that this client has not accepted", {
      keysetId: answer.keysetId,
    });
  }
  const actual = toHex(sha256(fromHex(payload).subarray(PAYLOAD_HEAD_BYTES)));
  if (actual !== bodyHash) throw mismatch("the receipt is of another call", { expected: bodyHash, actual });
  // The time at which the answer was given: a receipt is read later, and was made under the evidence of then.
  appraiseEvidence(verified.evidence, policy, { now: Number(answer.answeredAt) });
  return verified;
}

function mismatch(message: string, details: Record<string, string>): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_BINDING_MISMATCH", message, details });
}
