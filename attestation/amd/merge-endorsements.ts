import type { AmdEndorsements } from "./amd-endorsements.ts";

/** Everything that any of `sources` offers: order means nothing, and nothing in it is trusted yet. */
export function mergeAmdEndorsements(...sources: readonly (AmdEndorsements | undefined)[]): AmdEndorsements {
  return {
    certificates: sources.flatMap((source) => source?.certificates ?? []),
    crls: sources.flatMap((source) => source?.crls ?? []),
  };
}
