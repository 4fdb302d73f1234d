import type { Endorsements } from "../endorsements/endorsements.ts";
import { openEvidence, type RecognisedEvidence, type VerifyOptions } from "./recognise-evidence.ts";
import type { VerifiedEvidence } from "./verified-evidence.ts";

/**
 * Verifies evidence of any kind.
 *
 * Establishes: the vendor's hardware made it, by signatures up to a pinned root, in date at `now`.
 * Leaves to the caller: whether its claims are acceptable (`appraiseEvidence`), and that its report data is what was
 * asked for. Anyone can own genuine hardware.
 *
 * @param evidence bytes, or what `openEvidence` made of them: then they are not read again
 * @throws {EvidenceError} it is not genuine, or of no known kind
 * @throws {EndorsementError} it cannot be judged with these endorsements at `now`
 * @throws {InputError} `now` is not a time in seconds
 */
export async function verifyEvidence(
  evidence: Uint8Array | RecognisedEvidence,
  endorsements: Endorsements,
  options: VerifyOptions,
): Promise<VerifiedEvidence> {
  const opened = evidence instanceof Uint8Array ? openEvidence(evidence) : evidence;
  return await opened.verify(endorsements, options);
}
