import { fromHex } from "../../protocol/bytes.ts";
import type { IntelEndorsements } from "../intel/intel-endorsements.ts";
import { INTEL_TRUST } from "../intel/trust.ts";
import { verifyTdQuote, type TdQuoteContext } from "../intel/verify-tdx.ts";
import type { UnixSeconds } from "../time/unix-time.ts";
import { sealVerified, type VerifiedEvidence } from "../evidence/verified-evidence.ts";
import { verifyDstackAppInfo } from "./app-info.ts";
import { parseDstackEvidence, type DstackEvidence } from "./dstack-evidence.ts";

/**
 * Genuine evidence of a dstack guest: the TDX quote is (`verifyTdxQuote`), and the event log replays to its
 * RTMR3, so that compose hash and app id are what the guest extended.
 *
 * Leaves to the caller: what `verifyTdxQuote` leaves; and MRTD with RTMR 0 to 2, which say whether the guest is
 * dstack's: another image could extend the same events. Firmware's events are not read: a "lite" log leaves most of
 * them out, and the registers stand in the quote.
 *
 * @throws {EvidenceError} not genuine
 * @throws {EndorsementError} it cannot be judged with these endorsements at `now`
 */
export async function verifyDstackEvidence(
  evidence: Uint8Array | DstackEvidence,
  endorsements: IntelEndorsements | undefined,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"dstack">> {
  return await verifyDstackEvidenceUnder(evidence, { endorsements, now, trust: INTEL_TRUST });
}

/** `verifyDstackEvidence` under another root: for tests. */
export async function verifyDstackEvidenceUnder(
  evidence: Uint8Array | DstackEvidence,
  context: TdQuoteContext,
): Promise<VerifiedEvidence<"dstack">> {
  const { quote, events } = evidence instanceof Uint8Array ? parseDstackEvidence(evidence) : evidence;
  const hardware = await verifyTdQuote("tdx", quote, context);
  const app = verifyDstackAppInfo(events, fromHex(hardware.claims.rtMr3));
  return sealVerified({
    ...hardware,
    kind: "dstack",
    claims: { hardware: hardware.claims, app },
    checks: [
      ...hardware.checks,
      { name: "event log", ok: true, detail: `${events.length} events; those of RTMR3 replay` },
    ],
  });
}
