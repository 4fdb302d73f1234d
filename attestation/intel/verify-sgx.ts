import { toHex, type Hex } from "../../protocol/bytes.ts";
import { malformed } from "../encoding/malformed.ts";
import { readField, readUint } from "../encoding/layout.ts";
import type { UnixSeconds } from "../time/unix-time.ts";
import { sealVerified, type VerifiedEvidence } from "../evidence/verified-evidence.ts";
import type { PckClaims, SgxClaims } from "./claims.ts";
import type { IntelEndorsements } from "./intel-endorsements.ts";
import { parseQuote, type Quote } from "./quote.ts";
import { SGX_REPORT_BODY } from "./quote-layout.ts";
import { INTEL_TRUST, type QuoteTrust } from "./trust.ts";
import { quoteFormat, verifyQuote } from "./verify-quote.ts";

/**
 * Verifies an SGX quote of version 3 (or 4, 5 with an SGX body).
 *
 * Establishes: Intel's hardware measured this enclave, and what Intel says of the platform's TCB at `now`.
 * Leaves to the caller: everything that `appraiseEvidence` decides, debug enclaves among it.
 *
 * @throws {EvidenceError | EndorsementError | InputError}
 */
export async function verifySgxQuote(
  evidence: Uint8Array | Quote,
  endorsements: IntelEndorsements | undefined,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"sgx">> {
  return await verifySgxQuoteUnder(INTEL_TRUST, evidence, { endorsements, now });
}

export interface SgxQuoteContext {
  readonly endorsements: IntelEndorsements | undefined;
  readonly now: UnixSeconds;
}

/** `verifySgxQuote` under another root: for tests. */
export async function verifySgxQuoteUnder(
  trust: QuoteTrust,
  evidence: Uint8Array | Quote,
  { endorsements, now }: SgxQuoteContext,
): Promise<VerifiedEvidence<"sgx">> {
  // A copy: the caller's buffer could change while WebCrypto is at work.
  const quote = evidence instanceof Uint8Array ? parseQuote(new Uint8Array(evidence)) : evidence;
  if (quote.bodyType !== "sgx") throw malformed("this is a TDX quote, not an SGX quote");
  const { pck, tcb, window, checks } = await verifyQuote(quote, endorsements, { trust, now });
  const claims = toSgxClaims(quote, pck);
  return sealVerified({
    kind: "sgx",
    claims,
    debug: isDebug(claims.attributes),
    reportData: toHex(readField(quote.body, SGX_REPORT_BODY.reportData)),
    platformId: pck.ppid,
    tcbStatus: tcb.status,
    advisories: tcb.advisories,
    window,
    issuedAt: null,
    verifiedAt: now,
    checks: [quoteFormat(quote), ...checks],
  });
}

/** ATTRIBUTES.FLAGS.DEBUG is bit 1 of the first byte (Intel SDM vol. 3D, ATTRIBUTES structure). */
function isDebug(attributes: Hex): boolean {
  return (Number.parseInt(attributes.slice(2, 4), 16) & 2) !== 0;
}

/** Claims of the body, with those of the platform's certificate, which may be none yet. */
export function toSgxClaims<Platform extends Partial<PckClaims>>(
  { body }: Quote,
  pck: Platform,
): Omit<SgxClaims, keyof PckClaims> & Platform {
  const claim = (field: keyof typeof SGX_REPORT_BODY): Hex => toHex(readField(body, SGX_REPORT_BODY[field]));
  return {
    mrEnclave: claim("mrEnclave"),
    mrSigner: claim("mrSigner"),
    isvProdId: readUint(body, SGX_REPORT_BODY.isvProdId),
    isvSvn: readUint(body, SGX_REPORT_BODY.isvSvn),
    attributes: claim("attributes"),
    miscSelect: claim("miscSelect"),
    reportCpuSvn: claim("cpuSvn"),
    configId: claim("configId"),
    configSvn: readUint(body, SGX_REPORT_BODY.configSvn),
    isvExtProdId: claim("isvExtProdId"),
    isvFamilyId: claim("isvFamilyId"),
    ...pck,
  };
}
