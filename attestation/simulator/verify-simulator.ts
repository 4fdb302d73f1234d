import { parseIntelEndorsements, type IntelEndorsements } from "../intel/intel-endorsements.ts";
import type { Quote } from "../intel/quote.ts";
import { verifyTdQuote } from "../intel/verify-tdx.ts";
import type { UnixSeconds } from "../time/unix-time.ts";
import type { VerifiedEvidence } from "../evidence/verified-evidence.ts";
import { SIMULATOR_COLLATERAL } from "./collateral.ts";
import { SIMULATOR_TRUST } from "./trust.ts";

let endorsements: IntelEndorsements | undefined;

/**
 * Verifies the simulator's evidence: a quote in the shape of TDX version 4 under a root whose key is public. Its
 * endorsements are fixed and built in.
 *
 * Establishes: nothing about any hardware. Anyone can make this evidence, with any claims: it is for demonstrations
 * and tests, and every policy that does not name the kind `simulator` refuses it.
 *
 * @throws {EvidenceError | EndorsementError | InputError}
 */
export async function verifySimulatorEvidence(
  evidence: Uint8Array | Quote,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"simulator">> {
  endorsements ??= parseIntelEndorsements(SIMULATOR_COLLATERAL);
  return await verifyTdQuote("simulator", evidence, { endorsements, now, trust: SIMULATOR_TRUST });
}
