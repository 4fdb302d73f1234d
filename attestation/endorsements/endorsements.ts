import { EndorsementError } from "../../protocol/errors.ts";
import type { AmdEndorsements } from "../amd/amd-endorsements.ts";
import type { IntelEndorsements } from "../intel/intel-endorsements.ts";
import type { NvidiaEndorsements } from "../nvidia/nvidia-endorsements.ts";

/**
 * What vendors say about their platforms, each read once and kept: pass the same object to every verification, so
 * that signatures over endorsements are checked once and not per quote. Evidence that carries its own needs none.
 */
export interface Endorsements {
  /** SGX and TDX. `parseIntelEndorsements` makes it. */
  readonly intel?: IntelEndorsements;
  /** SEV-SNP, unless a report brings its host's certificate table. `parseAmdEndorsements` makes it. */
  readonly amd?: AmdEndorsements;
  /** Revocation of NVIDIA's devices, which are judged without it too. `parseNvidiaEndorsements` makes it. */
  readonly nvidia?: NvidiaEndorsements;
}

/**
 * The endorsements that a kind cannot be judged without.
 *
 * @throws {EndorsementError} ENDORSEMENT_UNAVAILABLE: a missing endorsement never becomes a skipped check
 */
export function requireEndorsements<T>(endorsements: T | undefined, what: string): T {
  if (endorsements === undefined) {
    throw new EndorsementError({
      code: "ENDORSEMENT_UNAVAILABLE",
      message: `cannot judge without ${what}`,
      details: { endorsement: what },
    });
  }
  return endorsements;
}
