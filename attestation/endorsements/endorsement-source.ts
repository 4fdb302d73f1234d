import type { Endorsements } from "./endorsements.ts";
import type { EndorsementNeeds } from "./needs.ts";
import { openEvidence, type RecognisedEvidence } from "../evidence/recognise-evidence.ts";
import type { UnixSeconds } from "../time/unix-time.ts";

/** Where endorsements come from: a vendor's service, a cache of one, or files. */
export interface EndorsementSource {
  /**
   * What `evidence` is to be judged with at `now`. Holds on return: whatever its kind needs is there. Nothing of it is
   * authenticated yet: `verifyEvidence` does that. The same objects come back while they are in date, so that what
   * verification learns about them is learnt once.
   *
   * @throws {EndorsementError} ENDORSEMENT_UNAVAILABLE when something that it needs cannot be had: never a smaller set
   * @throws {EvidenceError} when the evidence cannot be read far enough to say what it needs
   */
  readonly find: (evidence: Uint8Array | RecognisedEvidence, now: UnixSeconds) => Promise<Endorsements>;
}

/** @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_UNSUPPORTED: it cannot be read that far */
export function needsOf(evidence: Uint8Array | RecognisedEvidence): EndorsementNeeds {
  return (evidence instanceof Uint8Array ? openEvidence(evidence) : evidence).needs();
}
