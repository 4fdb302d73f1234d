import type { Endorsements } from "../attestation/endorsements/endorsements.ts";
import type { UnixSeconds } from "../attestation/time/unix-time.ts";

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
  readonly find: (evidence: Uint8Array, now: UnixSeconds) => Promise<Endorsements>;
}
