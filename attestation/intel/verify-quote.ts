import { toHex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import {
  checkUnixSeconds,
  intersectWindows,
  toIsoTime,
  type TimeWindow,
  type UnixSeconds,
} from "../time/unix-time.ts";
import { inOrder } from "./in-order.ts";
import type { Check } from "../evidence/verified-evidence.ts";
import type { VerifiedPath } from "../x509/path.ts";
import { fromP256Coordinates } from "../x509/public-key.ts";
import { checkSignature } from "../x509/signature.ts";
import { ECDSA_SHA256 } from "../x509/signature-scheme.ts";
import type { PckClaims } from "./claims.ts";
import { verifyIntelEndorsements, type IntelEndorsements } from "./intel-endorsements.ts";
import { parsePckChain, verifyPckChain } from "./pck-chain.ts";
import { parsePckExtension, type PckExtension } from "./pck-certificate.ts";
import { checkAttestationKeyBinding } from "./qe-report.ts";
import type { Quote } from "./quote.ts";
import { evaluateTcb, type TcbFinding } from "./tcb-evaluation.ts";
import type { QuoteTrust } from "./trust.ts";

export interface QuoteContext {
  readonly trust: QuoteTrust;
  readonly now: UnixSeconds;
}

export interface QuoteFindings {
  readonly pck: PckClaims;
  readonly tcb: TcbFinding;
  readonly window: TimeWindow;
  readonly checks: readonly Check[];
}

/**
 * Establishes that the quote's body was signed by an attestation key that a quoting enclave of Intel's vouches for, on
 * a platform whose PCK certificate Intel issued and has not revoked, and what Intel says of that platform's TCB.
 *
 * Leaves to the caller: whether that status, the body's measurements and its report data are acceptable.
 *
 * Source: Intel SGX/TDX DCAP Quote Verification Library, section numbers as in its source (4.1.2.4).
 *
 * @throws {EvidenceError} the quote is not genuine
 * @throws {EndorsementError} the endorsements do not serve to judge it at `now`
 */
export async function verifyQuote(
  quote: Quote,
  endorsements: IntelEndorsements,
  { trust, now }: QuoteContext,
): Promise<QuoteFindings> {
  checkUnixSeconds(now);
  checkVendor(quote, trust);
  const chain = parsePckChain(quote.pckChain, endorsements);
  const pck = parsePckExtension(chain.leaf);
  // Independent of each other, and each mostly waiting for WebCrypto: started together, reported in this order.
  const [window, path] = await inOrder(
    verifyIntelEndorsements(endorsements, trust.anchor, now),
    verifyPckChain(chain, endorsements, { trust, now }),
    checkSignature("QE report, by the PCK", {
      key: chain.leaf.publicKey,
      scheme: ECDSA_SHA256,
      data: quote.qeReport,
      signature: quote.qeReportSignature,
    }),
    checkSignature("quote, by the attestation key", {
      key: fromP256Coordinates(quote.attestationKey),
      scheme: ECDSA_SHA256,
      data: quote.signed,
      signature: quote.signature,
    }),
  );
  checkAttestationKeyBinding(quote);
  const tcb = evaluateTcb(quote, pck, endorsements);
  return {
    pck: toPckClaims(quote, pck, { tcb, endorsements }),
    tcb,
    window: intersectWindows([window, path.window]),
    checks: describe(path, pck, { tcb, endorsements }),
  };
}

function checkVendor(quote: Quote, trust: QuoteTrust): void {
  const qeVendorId = toHex(quote.qeVendorId);
  if (qeVendorId !== trust.qeVendorId) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: `the quoting enclave is of another vendor than ${trust.anchor.name}`,
      details: { expected: trust.qeVendorId, actual: qeVendorId },
    });
  }
}

interface Judged {
  readonly tcb: TcbFinding;
  readonly endorsements: IntelEndorsements;
}

function toPckClaims(quote: Quote, pck: PckExtension, { tcb, endorsements }: Judged): PckClaims {
  const { fmspc, pceId, ppid, cpuSvn, pceSvn } = pck;
  return {
    fmspc,
    pceId,
    ppid,
    cpuSvn,
    pceSvn,
    tcbEvaluationDataNumber: evaluationNumber(endorsements),
    tcbDate: tcb.tcbDate,
    qeVendorId: toHex(quote.qeVendorId),
  };
}

/** The older of the two: a judgement is as new as its oldest part. */
function evaluationNumber({ tcbInfo, qeIdentity }: IntelEndorsements): number {
  return Math.min(tcbInfo.tcbEvaluationDataNumber, qeIdentity.tcbEvaluationDataNumber);
}

function describe(path: VerifiedPath, pck: PckExtension, { tcb, endorsements }: Judged): readonly Check[] {
  const { tcbInfo } = endorsements;
  const lists = path.crls.map(
    (crl) => `issued ${toIsoTime(crl.thisUpdate)}, next ${toIsoTime(crl.nextUpdate)}`,
  );
  const check = (name: string, detail: string): Check => ({ name, ok: true, detail });
  return [
    check("PCK certificate chain", path.certificates.map(({ label }) => label).join(" < ")),
    check("PCK chain not revoked", `${path.crls.length} lists: ${lists.join("; ")}`),
    check("QE report signature", "by the PCK"),
    check("attestation key binding", "the QE report vouches for the key that signed the quote"),
    check("quote signature", "ECDSA P-256, header and body"),
    check(
      "TCB info",
      `FMSPC ${pck.fmspc}, issued ${toIsoTime(tcbInfo.issueDate)}, next ${toIsoTime(tcbInfo.nextUpdate)}`,
    ),
    check(
      "quoting enclave",
      `Intel's ${endorsements.qeIdentity.id}, ISVSVN ${tcb.qe.isvSvn}, ${tcb.qe.status}`,
    ),
    check("TCB evaluation", `${tcb.status}, evaluation data ${evaluationNumber(endorsements)}`),
  ];
}
