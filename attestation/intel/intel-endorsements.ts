import * as z from "zod";
import { fromHex } from "../../protocol/bytes.ts";
import { EndorsementError } from "../../protocol/errors.ts";
import { asEndorsement, asEndorsementAsync } from "../endorsements/as-endorsement.ts";
import { inOrder } from "./in-order.ts";
import { intersectWindows, toIsoTime, type TimeWindow, type UnixSeconds } from "../time/unix-time.ts";
import { parseCertificate, type Certificate } from "../x509/certificate.ts";
import { parseCrl, type Crl } from "../x509/crl.ts";
import { isIssuedBy, type SignedStatement } from "../x509/issued-by.ts";
import { verifyPath } from "../x509/path.ts";
import { fromBase64, splitPem } from "../x509/pem.ts";
import { ECDSA_SHA256 } from "../x509/signature-scheme.ts";
import type { TrustAnchor } from "../x509/trust-anchor.ts";
import { parseQeIdentity, type QeIdentity } from "./qe-identity.ts";
import { malformedDocument } from "./signed-json.ts";
import { parseTcbInfo, type TcbInfo } from "./tcb-info.ts";

/** Longest text of one member, in characters: a CRL in hex is the longest. */
const MAX_MEMBER_CHARS = 8 * 1024 * 1024;

const member = z.string().max(MAX_MEMBER_CHARS);

/** QuoteCollateralV3: the form in which DCAP libraries pass Intel's collateral around. Hex without prefix, PEM, JSON text. */
export const intelCollateralSchema = z.object({
  pck_crl_issuer_chain: member,
  root_ca_crl: member,
  pck_crl: member,
  tcb_info_issuer_chain: member,
  tcb_info: member,
  tcb_info_signature: member,
  qe_identity_issuer_chain: member,
  qe_identity: member,
  qe_identity_signature: member,
  /** PEM of a platform's PCK certificate and its issuers, for quotes that bring none. */
  pck_certificate_chain: member.optional(),
});

export type IntelCollateral = z.infer<typeof intelCollateralSchema>;

/**
 * Intel's collateral for one platform model and TEE, read once. Keep the object: signatures over its parts are
 * checked on first use and remembered with it; dates are checked every time.
 */
export interface IntelEndorsements {
  /** The documents this was read from, unchanged: a receipt carries them on. */
  readonly collateral: IntelCollateral;
  readonly tcbInfo: TcbInfo;
  readonly qeIdentity: QeIdentity;
  readonly crls: readonly Crl[];
  /** CA certificates by the base64 text in which quotes repeat them: recognised, they need no second parse. */
  readonly certificates: ReadonlyMap<string, Certificate>;
  readonly signedTcbInfo: SignedDocument;
  readonly signedQeIdentity: SignedDocument;
}

interface SignedDocument extends SignedStatement {
  readonly name: string;
  readonly signers: readonly Certificate[];
}

/**
 * Reads QuoteCollateralV3. Nothing is established about it before `verifyIntelEndorsements`.
 *
 * @throws {EndorsementError} ENDORSEMENT_MALFORMED
 */
export function parseIntelEndorsements(collateral: unknown): IntelEndorsements {
  const shape = intelCollateralSchema.safeParse(collateral);
  if (!shape.success)
    throw malformedDocument("Intel collateral", "is not of the QuoteCollateralV3 shape", shape.error);
  const parts = shape.data;
  const { info, signed: tcbInfoText } = parseTcbInfo(parts.tcb_info);
  const { identity, signed: qeIdentityText } = parseQeIdentity(parts.qe_identity);
  const chains = [
    parts.pck_crl_issuer_chain,
    parts.tcb_info_issuer_chain,
    parts.qe_identity_issuer_chain,
    parts.pck_certificate_chain ?? "",
  ];
  const certificates = asEndorsement("Intel certificate chain", () => parseChains(chains));
  const pick = (chain: string): readonly Certificate[] =>
    splitPem(chain, "CERTIFICATE").map((body) => certificates.get(body) as Certificate);
  return {
    collateral: parts,
    tcbInfo: info,
    qeIdentity: identity,
    crls: [parseCrlText("root CA CRL", parts.root_ca_crl), parseCrlText("PCK CRL", parts.pck_crl)],
    certificates,
    signedTcbInfo: {
      name: "TCB info",
      signers: pick(parts.tcb_info_issuer_chain),
      tbs: tcbInfoText,
      ...rawSignature("TCB info signature", parts.tcb_info_signature),
    },
    signedQeIdentity: {
      name: "QE identity",
      signers: pick(parts.qe_identity_issuer_chain),
      tbs: qeIdentityText,
      ...rawSignature("QE identity signature", parts.qe_identity_signature),
    },
  };
}

function parseChains(chains: readonly string[]): ReadonlyMap<string, Certificate> {
  const certificates = new Map<string, Certificate>();
  for (const body of chains.flatMap((chain) => splitPem(chain, "CERTIFICATE")))
    if (!certificates.has(body)) certificates.set(body, parseCertificate(fromBase64(body)));
  return certificates;
}

function bytesOf(what: string, text: string): Uint8Array<ArrayBuffer> {
  try {
    return fromHex(`0x${text.trim().toLowerCase()}`);
  } catch (cause) {
    throw malformedDocument(what, "is not hex", cause);
  }
}

/** DER in hex, as PCS version 3 and QuoteCollateralV3 have it, or PEM, as some caches store it. */
function parseCrlText(what: string, text: string): Crl {
  return asEndorsement(what, () => {
    const [pem] = splitPem(text, "X509 CRL");
    return parseCrl(pem === undefined ? bytesOf(what, text) : fromBase64(pem));
  });
}

function rawSignature(what: string, text: string): Pick<SignedDocument, "scheme" | "signature"> {
  return { scheme: ECDSA_SHA256, signature: bytesOf(what, text) };
}

/**
 * The certificates under Intel's root differ by name only, and a PCK key, which a broken platform may leak, must not
 * be able to sign TCB info: the phrase that QVL asks for (TCB Signing certificate, common name).
 */
const TCB_SIGNER_PHRASE = "SGX TCB Signing";

/**
 * Checks that TCB info and QE identity were signed under `anchor` and that everything is in date at `now`.
 *
 * Leaves to the caller: whether they are for the platform that made the quote, and both CRLs' bearing on the PCK chain
 * (`verifyPath` with `crls`).
 *
 * @returns the window in which both documents and their signers are in date
 * @throws {EndorsementError}
 */
export async function verifyIntelEndorsements(
  endorsements: IntelEndorsements,
  anchor: TrustAnchor,
  now: UnixSeconds,
): Promise<TimeWindow> {
  const known = verified.get(endorsements);
  if (known?.anchor === anchor && known.window.from <= now && now <= known.window.until) return known.window;
  const window = await verifyAt(endorsements, anchor, now);
  verified.set(endorsements, { anchor, window });
  return window;
}

/** Within the window in which everything was in date together, verifying again would find the same. */
const verified = new WeakMap<
  IntelEndorsements,
  { readonly anchor: TrustAnchor; readonly window: TimeWindow }
>();

async function verifyAt(
  endorsements: IntelEndorsements,
  anchor: TrustAnchor,
  now: UnixSeconds,
): Promise<TimeWindow> {
  const { tcbInfo, qeIdentity, signedTcbInfo, signedQeIdentity, crls } = endorsements;
  const context = { anchor, crls, now };
  const windows = await inOrder(
    verifyDocument(signedTcbInfo, tcbInfo, context),
    verifyDocument(signedQeIdentity, qeIdentity, context),
  );
  return intersectWindows(windows);
}

interface SignerContext {
  readonly anchor: TrustAnchor;
  readonly crls: readonly Crl[];
  readonly now: UnixSeconds;
}

interface Dated {
  readonly issueDate: UnixSeconds;
  readonly nextUpdate: UnixSeconds;
}

async function verifyDocument(
  document: SignedDocument,
  dates: Dated,
  { anchor, crls, now }: SignerContext,
): Promise<TimeWindow> {
  const { name, signers } = document;
  const signer = signers.find(({ label }) => label.includes(TCB_SIGNER_PHRASE));
  if (signer === undefined) {
    throw new EndorsementError({
      code: "ENDORSEMENT_CHAIN_INVALID",
      message: `${name} comes without a TCB signing certificate`,
      details: { endorsement: name },
    });
  }
  // Asked early, so that WebCrypto works at this signature and those of the path at once.
  const isSigned = isIssuedBy(document, signer.publicKey);
  const path = await asEndorsementAsync(`${name} signer`, () =>
    verifyPath(signer, { pool: signers, roots: [anchor], now, revocation: { crls } }),
  );
  if (!(await isSigned)) {
    throw new EndorsementError({
      code: "ENDORSEMENT_SIGNATURE_INVALID",
      message: `${name} is not signed by its TCB signing certificate`,
      details: { endorsement: name },
    });
  }
  return intersectWindows([path.window, checkDocumentDates(name, dates, now)]);
}

function checkDocumentDates(name: string, { issueDate, nextUpdate }: Dated, now: UnixSeconds): TimeWindow {
  if (now < issueDate || now > nextUpdate) {
    throw new EndorsementError({
      code: now < issueDate ? "ENDORSEMENT_NOT_YET_VALID" : "ENDORSEMENT_EXPIRED",
      message: `${name} is not in date: fetch a newer one, or judge at the time of this one`,
      details: {
        endorsement: name,
        now: toIsoTime(now),
        issueDate: toIsoTime(issueDate),
        nextUpdate: toIsoTime(nextUpdate),
      },
    });
  }
  return { from: issueDate, until: nextUpdate };
}
