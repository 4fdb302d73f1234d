import type { LeaseFollower } from "../engine/held-lease.ts";

/** How the chain is followed; field by field what `ChainHealth` says of it. */
export interface Following {
  readonly follower: LeaseFollower;
  readonly followedSecondsAgo: number | null;
  readonly headAgeSeconds: number | null;
  readonly finalityViolation: { readonly from: number; readonly to: number } | null;
  readonly finalityKnown: boolean;
  readonly clockAheadSeconds: number | null;
  readonly clockSkewed: boolean;
  readonly deepestReorgBlocks: number;
}
