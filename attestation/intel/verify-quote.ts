import { toHex } from "../../protocol/bytes.ts";
import { EndorsementError, EvidenceError } from "../../protocol/errors.ts";
import {
  checkUnixSeconds,
  intersectWindows,
  toIsoTime,
  type TimeWindow,
  type UnixSeconds,
} from "../time/unix-time.ts";
import { requireEndorsements } from "../endorsements/endorsements.ts";
import { CheckList, valueOf } from "../evidence/check-list.ts";
import type { ByteRange, Check, CheckSubject } from "../evidence/verified-evidence.ts";
import type { Certificate } from "../x509/certificate.ts";
import type { Crl } from "../x509/crl.ts";
import { fromP256Coordinates } from "../x509/public-key.ts";
import { checkSignature, isSignatureValid } from "../x509/signature.ts";
import { ECDSA_SHA256 } from "../x509/signature-scheme.ts";
import type { PckClaims } from "./claims.ts";
import { verifyIntelEndorsements, type IntelEndorsements } from "./intel-endorsements.ts";
import { findPckChain, verifyPckChain, type PckChain } from "./pck-chain.ts";
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
  endorsements: IntelEndorsements | undefined,
  { trust, now }: QuoteContext,
): Promise<QuoteFindings> {
  checkUnixSeconds(now);
  checkVendor(quote, trust);
  const list = new CheckList();
  // Independent of each other, and each mostly waiting for WebCrypto: started together.
  startSignatures(list, quote);
  const chain = await findChain(list, quote, endorsements);
  const pck = parsePckExtension(chain.leaf);
  startQeSignature(list, quote, chain.leaf);
  const given = list.start(
    COLLATERAL,
    () => requireEndorsements(endorsements, "Intel collateral"),
    describeDates,
  );
  const window = list.after(
    [given],
    {
      name: "TCB info",
      link: "hardware",
      compared: "Intel's signatures over TCB info and QE identity, and their dates",
    },
    async ([intel]) => await verifyIntelEndorsements(intel, trust.anchor, now),
    () => `for FMSPC ${pck.fmspc}`,
  );
  const path = list.after(
    [given],
    {
      name: "PCK certificate chain",
      link: "hardware",
      compared: `the platform's certificate with ${trust.anchor.name}`,
    },
    async ([intel]) => await verifyPckChain(chain, intel, { trust, now }),
    ({ certificates }) => certificates.map(({ label }) => label).join(" < "),
  );
  list.after([path], NOT_REVOKED, ([{ crls }]) => crls, describeLists);
  const tcb = list.after(
    [given, window, path],
    {
      name: "TCB evaluation",
      link: "hardware",
      compared: "the platform's security versions with Intel's TCB levels",
    },
    ([intel]) => evaluateTcb(quote, pck, intel),
    ({ status }) =>
      `${status}, evaluation data ${endorsements === undefined ? "" : evaluationNumber(endorsements)}`,
  );
  list.after(
    [tcb],
    {
      name: "quoting enclave",
      link: "hardware",
      compared: "the QE report with Intel's identity of its enclave",
    },
    ([{ qe }]) => qe,
    ({ isvSvn, status }) => `Intel's ${endorsements?.qeIdentity.id ?? ""}, ISVSVN ${isvSvn}, ${status}`,
  );
  const checks = await list.finish();
  const finding = await valueOf(tcb);
  return {
    pck: toPckClaims(quote, pck, { tcb: finding, endorsements: await valueOf(given) }),
    tcb: finding,
    window: intersectWindows([await valueOf(window), (await valueOf(path)).window]),
    checks,
  };
}

const COLLATERAL: CheckSubject = {
  name: "Intel collateral",
  link: "hardware",
  compared: "what the platform needs with what was given",
};
const NOT_REVOKED: CheckSubject = {
  name: "PCK chain not revoked",
  link: "hardware",
  compared: "serial numbers with Intel's revocation lists",
};

/** A chain that is missing is told after what the quote shows by itself: what is false without it is false. */
async function findChain(
  list: CheckList,
  quote: Quote,
  endorsements: IntelEndorsements | undefined,
): Promise<PckChain> {
  try {
    return findPckChain(quote, endorsements);
  } catch (error) {
    if (!(error instanceof EndorsementError)) throw error;
    list.start(
      PCK_CHAIN,
      () => {
        throw error;
      },
      () => "",
    );
    await list.finish();
    /* v8 ignore next -- `finish` throws what a check threw */
    throw error;
  }
}

const PCK_CHAIN: CheckSubject = {
  name: "PCK certificate",
  link: "hardware",
  compared: "the PCK that the quote names with the one that was given",
};

function rangeIn(quote: Quote, part: Uint8Array): ByteRange {
  const from = part.byteOffset - quote.signed.byteOffset;
  return { from, until: from + part.length };
}

/** What a quote shows without any certificate. */
function startSignatures(list: CheckList, quote: Quote): void {
  list.start(
    {
      name: "quote signature",
      link: "evidence",
      compared: "header and body with their signature, by the attestation key in the quote",
      range: rangeIn(quote, quote.signed),
    },
    async () => {
      await checkSignature("quote, by the attestation key", {
        key: fromP256Coordinates(quote.attestationKey),
        scheme: ECDSA_SHA256,
        data: quote.signed,
        signature: quote.signature,
      });
    },
    () => "ECDSA P-256, header and body",
  );
  list.start(
    {
      name: "attestation key binding",
      link: "hardware",
      compared: "the QE report's data with the hash of the attestation key",
      range: rangeIn(quote, quote.attestationKey),
    },
    () => {
      checkAttestationKeyBinding(quote);
    },
    () => "the QE report vouches for the key that signed the quote",
  );
}

function startQeSignature(list: CheckList, quote: Quote, leaf: Certificate): void {
  list.start(
    {
      name: "QE report signature",
      link: "hardware",
      compared: "the quoting enclave's report with its signature, by the platform's PCK",
      range: rangeIn(quote, quote.qeReport),
    },
    async () => {
      const signed = {
        key: leaf.publicKey,
        scheme: ECDSA_SHA256,
        data: quote.qeReport,
        signature: quote.qeReportSignature,
      };
      if (quote.pckChain !== null) await checkSignature("QE report, by the PCK", signed);
      else if (!(await isSignatureValid(signed))) throw otherPck();
    },
    () => "by the PCK",
  );
}

/** A certificate that came from elsewhere and did not sign says nothing about the quote. */
function otherPck(): EndorsementError {
  return new EndorsementError({
    code: "ENDORSEMENT_MISMATCH",
    message: "the PCK certificate among the endorsements is of another platform than the quote's",
    details: { endorsement: "PCK certificate chain" },
  });
}

function describeDates({ tcbInfo }: IntelEndorsements): string {
  return `FMSPC ${tcbInfo.fmspc}, issued ${toIsoTime(tcbInfo.issueDate)}, next ${toIsoTime(tcbInfo.nextUpdate)}`;
}

function describeLists(crls: readonly Crl[]): string {
  const lists = crls.map((crl) => `issued ${toIsoTime(crl.thisUpdate)}, next ${toIsoTime(crl.nextUpdate)}`);
  return `${crls.length} lists: ${lists.join("; ")}`;
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

/** The check that a quote was read, as every verifier of quotes lists it first. */
export function quoteFormat({ version, bodyType, bytesAfter }: Quote): Check {
  const after = bytesAfter === 0 ? "" : `; ${bytesAfter} bytes follow its end, which nothing signs`;
  return {
    name: "quote format",
    ok: true,
    detail: `version ${version}, ${BODY_NAMES[bodyType]} body${after}`,
  };
}

const BODY_NAMES = { sgx: "SGX", td10: "TDX 1.0", td15: "TDX 1.5" } as const;
