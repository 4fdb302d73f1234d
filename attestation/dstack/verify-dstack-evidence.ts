import { fromHex } from "../../protocol/bytes.ts";
import { checkReplay } from "../eventlog/rtmr.ts";
import type { IntelEndorsements } from "../intel/intel-endorsements.ts";
import { verifyTdxQuote } from "../intel/verify-tdx.ts";
import type { UnixSeconds } from "../unix-time.ts";
import { sealVerified, type VerifiedEvidence } from "../verified-evidence.ts";
import { verifyDstackAppInfo } from "./app-info.ts";
import { parseDstackEvidence } from "./dstack-evidence.ts";
import { parseDstackEventLog } from "./event-log.ts";

/**
 * Genuine evidence of a dstack guest: the TDX quote is (`verifyTdxQuote`), and the event log replays to all four of
 * its RTMRs, so that compose hash and app id are what the guest extended.
 *
 * Leaves to the caller: what `verifyTdxQuote` leaves; and MRTD with RTMR 0 to 2, which say whether the guest is
 * dstack's: another image could extend the same events.
 *
 * @throws {EvidenceError} not genuine
 * @throws {EndorsementError} it cannot be judged with these endorsements at `now`
 */
export async function verifyDstackEvidence(
  bytes: Uint8Array,
  endorsements: IntelEndorsements,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"dstack">> {
  const { quote, eventLog } = parseDstackEvidence(bytes);
  const hardware = await verifyTdxQuote(quote, endorsements, { now });
  const { rtMr0, rtMr1, rtMr2, rtMr3 } = hardware.claims;
  const events = parseDstackEventLog(eventLog);
  for (const [index, register] of [rtMr0, rtMr1, rtMr2].entries()) {
    checkReplay(events, index, fromHex(register));
  }
  const app = verifyDstackAppInfo(events, fromHex(rtMr3));
  return sealVerified({
    ...hardware,
    kind: "dstack",
    claims: { hardware: hardware.claims, app },
    checks: [
      ...hardware.checks,
      { name: "event log", ok: true, detail: `${events.length} events replay to RTMR0, 1, 2 and 3` },
    ],
  });
}
