import type { VerifiedEvidence } from "../evidence/verified-evidence.ts";
import type { Quote } from "../intel/quote.ts";
import { verifyTdQuote } from "../intel/verify-tdx.ts";
import type { UnixSeconds } from "../time/unix-time.ts";

/**
 * Verifies the simulator's evidence: a quote in the shape of TDX version 4 under a root whose key is public. Its
 * endorsements are fixed and built in, and loaded with the first quote.
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
  const { SIMULATOR_ENDORSEMENTS, SIMULATOR_TRUST } = await import("./trust.ts");
  return await verifyTdQuote("simulator", evidence, {
    endorsements: SIMULATOR_ENDORSEMENTS,
    now,
    trust: SIMULATOR_TRUST,
  });
}
