import { toHex, type Hex } from "../../protocol/bytes.ts";
import { malformed } from "../encoding/malformed.ts";
import { readField } from "../encoding/layout.ts";
import type { UnixSeconds } from "../time/unix-time.ts";
import { sealVerified, type Check, type VerifiedEvidence } from "../evidence/verified-evidence.ts";
import type { PckClaims, TdxClaims } from "./claims.ts";
import type { IntelEndorsements } from "./intel-endorsements.ts";
import { parseQuote, type Quote } from "./quote.ts";
import { TD_REPORT_BODY, TD_REPORT_BODY_15 } from "./quote-layout.ts";
import { INTEL_TRUST, type QuoteTrust } from "./trust.ts";
import { quoteFormat, verifyQuote } from "./verify-quote.ts";

/**
 * Verifies a TDX quote of version 4 or 5.
 *
 * Establishes: Intel's hardware measured this TD, and what Intel says of the platform's TCB at `now`.
 * Leaves to the caller: everything that `appraiseEvidence` decides, debug TDs among it.
 *
 * @throws {EvidenceError | EndorsementError | InputError}
 */
export async function verifyTdxQuote(
  evidence: Uint8Array | Quote,
  endorsements: IntelEndorsements | undefined,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"tdx">> {
  return await verifyTdQuote("tdx", evidence, { endorsements, now, trust: INTEL_TRUST });
}

export interface TdQuoteContext {
  /** Undefined where there are none: what needs none is still checked, and a false signature found. */
  readonly endorsements: IntelEndorsements | undefined;
  readonly now: UnixSeconds;
  readonly trust: QuoteTrust;
}

/** A TD's quote under any root: Intel's, or the simulator's. */
export async function verifyTdQuote<Kind extends "tdx" | "simulator">(
  kind: Kind,
  evidence: Uint8Array | Quote,
  { endorsements, now, trust }: TdQuoteContext,
): Promise<VerifiedEvidence<Kind>> {
  // A copy: the caller's buffer could change while WebCrypto is at work.
  const quote = evidence instanceof Uint8Array ? parseQuote(new Uint8Array(evidence)) : evidence;
  if (quote.bodyType === "sgx") throw malformed("this is an SGX quote, not a TDX quote");
  const { pck, tcb, window, checks } = await verifyQuote(quote, endorsements, { trust, now });
  const claims = toTdxClaims(quote, pck);
  const module: Check = { name: "TDX module", ok: true, detail: tcb.tdxModule ?? "judged by the TCB level" };
  return sealVerified<"tdx" | "simulator">({
    kind,
    claims,
    debug: isDebug(claims.tdAttributes),
    reportData: toHex(readField(quote.body, TD_REPORT_BODY.reportData)),
    platformId: pck.ppid,
    tcbStatus: tcb.status,
    advisories: tcb.advisories,
    window,
    issuedAt: null,
    verifiedAt: now,
    checks: [quoteFormat(quote), ...checks, module],
  }) as VerifiedEvidence<Kind>;
}

/** TD_ATTRIBUTES.TUD, bits 0 to 7: any of them makes the TD untrusted; bit 0 is DEBUG (TDX module 1.5 base spec, ABI 3.4.1). */
function isDebug(tdAttributes: Hex): boolean {
  return tdAttributes.slice(2, 4) !== "00";
}

/** Claims of the body, with those of the platform's certificate, which may be none yet. */
export function toTdxClaims<Platform extends Partial<PckClaims>>(
  { body, bodyType }: Quote,
  pck: Platform,
): Omit<TdxClaims, keyof PckClaims> & Platform {
  const claim = (field: keyof typeof TD_REPORT_BODY): Hex => toHex(readField(body, TD_REPORT_BODY[field]));
  const claim15 = (field: keyof typeof TD_REPORT_BODY_15): Hex | null =>
    bodyType === "td15" ? toHex(readField(body, TD_REPORT_BODY_15[field])) : null;
  return {
    mrTd: claim("mrTd"),
    rtMr0: claim("rtMr0"),
    rtMr1: claim("rtMr1"),
    rtMr2: claim("rtMr2"),
    rtMr3: claim("rtMr3"),
    mrConfigId: claim("mrConfigId"),
    mrOwner: claim("mrOwner"),
    mrOwnerConfig: claim("mrOwnerConfig"),
    tdAttributes: claim("tdAttributes"),
    xfam: claim("xfam"),
    teeTcbSvn: claim("teeTcbSvn"),
    mrSeam: claim("mrSeam"),
    mrSignerSeam: claim("mrSignerSeam"),
    seamAttributes: claim("seamAttributes"),
    teeTcbSvn2: claim15("teeTcbSvn2"),
    mrServiceTd: claim15("mrServiceTd"),
    ...pck,
  };
}
