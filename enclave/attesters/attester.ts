import type { EndorsementsJson } from "../../protocol/receipt.ts";

export interface MadeEvidence {
  /** As `attestation/` names it. */
  readonly kind: string;
  readonly bytes: Uint8Array;
  /** Endorsements that the platform gave with it; null where the relying party asks the vendor. */
  readonly endorsements: EndorsementsJson | null;
}

/** The platform's way to make Evidence (RFC 9334 §3.2): one driver per platform. */
export interface Attester {
  /** @param reportData 64 bytes that the evidence commits to */
  readonly attest: (reportData: Uint8Array) => Promise<MadeEvidence>;
}
