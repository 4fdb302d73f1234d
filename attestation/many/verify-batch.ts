import { EndorsementError, EvidenceError } from "../../protocol/errors.ts";
import type { Endorsements } from "../endorsements/endorsements.ts";
import type { VerifyOptions } from "../evidence/recognise-evidence.ts";
import type { VerifiedEvidence } from "../evidence/verified-evidence.ts";
import { verifyEvidence } from "../evidence/verify-evidence.ts";

/** One piece's outcome: what is wrong with one says nothing of the others. */
export type ManyResult =
  | { readonly ok: true; readonly evidence: VerifiedEvidence }
  | { readonly ok: false; readonly error: EvidenceError | EndorsementError };

/** Pieces that go to a thread at once: enough that the message costs nothing beside the signatures. */
export const SHARE = 16;

/** Verifies each piece by itself, on this thread. */
export async function verifyBatch(
  pieces: readonly Uint8Array[],
  endorsements: Endorsements,
  options: VerifyOptions,
): Promise<readonly ManyResult[]> {
  const results: ManyResult[] = [];
  for (const piece of pieces) {
    try {
      results.push({ ok: true, evidence: await verifyEvidence(piece, endorsements, options) });
    } catch (error) {
      if (!(error instanceof EvidenceError) && !(error instanceof EndorsementError)) throw error;
      results.push({ ok: false, error });
    }
  }
  return results;
}
