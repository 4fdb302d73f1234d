/** Is an SEV-SNP report genuine? Orders the steps; each is elsewhere. */

import { equalBytes, toHex } from "../../protocol/bytes.ts";
import { EndorsementError, EvidenceError, type ErrorDetails } from "../../protocol/errors.ts";
import { isAllZero } from "../encoding/layout.ts";
import {
  checkUnixSeconds,
  intersectWindows,
  toIsoTime,
  type TimeWindow,
  type UnixSeconds,
} from "../time/unix-time.ts";
import { asEndorsementAsync } from "../endorsements/as-endorsement.ts";
import { CheckList, valueOf } from "../evidence/check-list.ts";
import { sealVerified, type VerifiedEvidence } from "../evidence/verified-evidence.ts";
import type { Certificate } from "../x509/certificate.ts";
import { isIssuedBy } from "../x509/issued-by.ts";
import { verifyPath, type VerifiedPath } from "../x509/path.ts";
import { checkRevocation } from "../x509/revocation.ts";
import { isSignatureValid } from "../x509/signature.ts";
import { ECDSA_SHA384 } from "../x509/signature-scheme.ts";
import type { TrustAnchor } from "../x509/trust-anchor.ts";
import type { AmdEndorsements } from "./amd-endorsements.ts";
import { toSnpClaims } from "./claims.ts";
import { isSnpKeyCertificate, parseKdsExtensions, type KdsExtensions } from "./kds-extensions.ts";
import { isCpuidOf } from "./product.ts";
import { AMD_ROOTS, type SnpRoot } from "./roots.ts";
import { parseSnpReport, type SnpReport } from "./snp-report.ts";
import { isSameTcb } from "./tcb-version.ts";

/**
 * A genuine report: firmware of an AMD chip signed it, with a key that AMD certified for this chip (VCEK) or cloud
 * provider (VLEK) at the TCB that the report names.
 *
 * Leaves to the caller: every claim (`appraiseEvidence`), the debug bit and the VMPL among them; and, where
 * `endorsements` has no list of AMD's, revocation of the ASK: `claims.revocation` says so and a policy can refuse it.
 *
 * Source: AMD 56860 §2.2 (TCB_VERSION), §7.3 (attestation); AMD 57230 (the VCEK, its certificate and its issuers).
 *
 * @throws {EvidenceError} not genuine
 * @throws {EndorsementError} ENDORSEMENT_UNAVAILABLE when no certificate for this chip at this TCB is given; others
 *   when a revocation list is given that cannot be relied on
 */
export async function verifySnpReport(
  bytes: Uint8Array,
  endorsements: AmdEndorsements,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"snp">> {
  return await verifySnpReportUnder(AMD_ROOTS, bytes, { endorsements, now });
}

export interface SnpContext {
  readonly endorsements: AmdEndorsements;
  readonly now: UnixSeconds;
}

/** `verifySnpReport` under other roots: for tests. */
export async function verifySnpReportUnder(
  roots: readonly SnpRoot[],
  bytes: Uint8Array,
  context: SnpContext,
): Promise<VerifiedEvidence<"snp">> {
  checkUnixSeconds(context.now);
  const report = parseSnpReport(bytes);
  const list = new CheckList();
  const signer = list.start(
    {
      name: "signing key",
      link: "hardware",
      compared: "CHIP_ID and REPORTED_TCB with the certificates that were given",
    },
    async () => await selectSigner(report, context.endorsements),
    ({ key }) => `${report.signingKey} for ${formatTcb(key)}`,
  );
  const signature = list.after(
    [signer],
    {
      name: "report signature",
      link: "evidence",
      compared: "the report with its signature, by the certificate's key",
      range: { from: 0, until: report.signedRegion.length },
    },
    async ([offered]) => {
      await checkReportSignature(report, offered, { roots, context });
    },
    () => `ECDSA P-384 by the chip's ${report.signingKey}`,
  );
  const path = list.after(
    [signer],
    {
      name: "certificate chain",
      link: "hardware",
      compared: "the signing key's certificate with AMD's root",
    },
    async ([offered]) => await verifySignerPath(report, offered, { roots, context }),
    ({ certificates, anchor }) =>
      `${certificates.map(({ label }) => label).join(" < ")}, root ${anchor.name} pinned`,
  );
  const revocation = list.after(
    [path],
    {
      name: "revocation",
      link: "hardware",
      compared: "the ASK's serial number with AMD's list of revoked ones",
    },
    async ([verified]) => await checkAskRevocation(verified, context),
    (window) =>
      window === null ? "no list of AMD's was given" : `list in date until ${toIsoTime(window.until)}`,
  );
  list.after(
    [signer, signature],
    {
      name: "TCB",
      link: "hardware",
      compared: "REPORTED_TCB with the TCB that the signing key was derived for",
    },
    ([{ key }]) => key,
    (key) => `signing key is for ${formatTcb(key)}`,
  );
  list.after(
    [signer, signature],
    { name: "chip", link: "hardware", compared: "CHIP_ID with the chip that the signing key was derived in" },
    ([{ key }]) => key,
    (key) => describeChip(report, key),
  );
  const checks = await list.finish();
  const { key } = await valueOf(signer);
  const { window } = await valueOf(path);
  const listed = await valueOf(revocation);
  return sealVerified({
    kind: "snp",
    claims: toSnpClaims(report, key, listed === null ? "not-checked" : "checked"),
    debug: report.policy.debugAllowed,
    reportData: toHex(report.reportData),
    platformId: isAllZero(report.chipId) ? null : toHex(report.chipId),
    tcbStatus: null,
    advisories: [],
    window: listed === null ? window : intersectWindows([window, listed]),
    issuedAt: null,
    verifiedAt: context.now,
    // That there was no list is a claim, which a policy can refuse, and nothing that was checked.
    checks: checks.filter(({ name }) => name !== "revocation" || listed !== null),
  });
}

interface PathContext {
  readonly roots: readonly SnpRoot[];
  readonly context: SnpContext;
}

/**
 * A certificate that did not sign the report says nothing about the report, whatever is wrong with it: it is an endorsement
 * that does not serve. One that did sign, and that AMD's root does not certify, is a stranger's, and so is the report.
 */
async function verifySignerPath(
  report: SnpReport,
  { certificate, key, hasSigned }: Signer,
  { roots, context }: PathContext,
): Promise<VerifiedPath> {
  const pool = await authoritiesAmong(context.endorsements);
  const anchors = roots.filter((root) => root.productLine === key.productLine).map((root) => root.anchor);
  const find = async (): Promise<VerifiedPath> =>
    await verifyPath(certificate, {
      pool,
      roots: anchors,
      now: context.now,
      revocation: { notPublished: "AMD lists revoked ASKs only; checkAskRevocation looks them up" },
    });
  if (!(await hasSigned)) return await asEndorsementAsync("signing key's certificate", find);
  if (!(await isIssuerKnown(certificate, pool, anchors))) {
    throw new EndorsementError({
      code: "ENDORSEMENT_UNAVAILABLE",
      message: `cannot judge without the certificate of the ${report.signingKey}'s issuer: fetch it from AMD's key distribution service`,
      details: { endorsement: report.signingKey === "VLEK" ? "ASVK" : "ASK", product: key.productLine },
    });
  }
  return await find();
}

/** Whether the issuer's certificate or key is there, whatever else is wrong with it; a self-signed certificate is its own. */
async function isIssuerKnown(
  certificate: Certificate,
  pool: readonly Certificate[],
  anchors: readonly TrustAnchor[],
): Promise<boolean> {
  const { issuer, subject } = certificate;
  if (issuer === subject || pool.some((candidate) => candidate.subject === issuer)) return true;
  const byRoot = await Promise.all(
    anchors.map(async ({ publicKey }) => await isIssuedBy(certificate, publicKey)),
  );
  return byRoot.includes(true);
}

async function isReportSigned({ publicKey }: Certificate, report: SnpReport): Promise<boolean> {
  return await isSignatureValid({
    key: publicKey,
    scheme: ECDSA_SHA384,
    data: report.signedRegion,
    signature: report.signature,
  });
}

/**
 * Compares chip, TCB, product and kind of key before the signature: a certificate that is for another one could not have
 * signed this report, and that it did not says nothing; nor does one that AMD did not make. One that did sign must be for
 * this one all the same.
 *
 * @throws {EndorsementError} ENDORSEMENT_MISMATCH; others as `verifySignerPath`
 * @throws {EvidenceError} EVIDENCE_SIGNATURE_INVALID, or the mismatch
 */
async function checkReportSignature(report: SnpReport, signer: Signer, path: PathContext): Promise<void> {
  const { key, hasSigned } = signer;
  const mismatch = mismatchOf(report, key);
  if (await hasSigned) {
    if (mismatch !== undefined) throw mismatch;
    return;
  }
  if (mismatch !== undefined) {
    throw new EndorsementError({
      code: "ENDORSEMENT_MISMATCH",
      message: `the certificate is not for this report: ${mismatch.message}`,
      details: mismatch.details,
      cause: mismatch,
    });
  }
  await verifySignerPath(report, signer, path);
  throw new EvidenceError({
    code: "EVIDENCE_SIGNATURE_INVALID",
    message: "signature does not verify: SEV-SNP report",
  });
}

/**
 * Candidate issuers, each once: a folder of endorsements holds the same ASK beside every VCEK. Ours first: what was
 * once found of these objects (`isIssuedBy`) need not be found again for each new copy. They are loaded with the first
 * report that is judged: six certificates are a twelfth of what a page loads.
 */
async function authoritiesAmong({ certificates }: AmdEndorsements): Promise<readonly Certificate[]> {
  const { AMD_INTERMEDIATES } = await import("./intermediates.ts");
  const authorities = certificates.filter((certificate) => !isSnpKeyCertificate(certificate));
  const distinct = new Map<string, Certificate>();
  for (const authority of [...AMD_INTERMEDIATES, ...authorities]) {
    const identity = `${authority.issuer} ${authority.serial} ${authority.publicKey.spkiHex}`;
    distinct.set(identity, distinct.get(identity) ?? authority);
  }
  return [...distinct.values()];
}

interface Signer {
  readonly certificate: Certificate;
  readonly key: KdsExtensions;
  /** Whether the report's signature is by the certificate's key. */
  readonly hasSigned: Promise<boolean>;
}

/**
 * The certificate to judge by: of those for this chip at this TCB the one that signed, for anybody can write one that says the same.
 * When just one is offered it is judged, whatever it says, so that the caller learns what is wrong with it.
 */
async function selectSigner(report: SnpReport, { certificates }: AmdEndorsements): Promise<Signer> {
  const leaves = certificates.filter(isSnpKeyCertificate);
  const signers = await Promise.all(leaves.map(async (leaf) => await toSigner(leaf, report, leaves.length)));
  const offered = signers.filter((signer) => signer !== undefined);
  const [only] = offered;
  if (only !== undefined && leaves.length === 1) return only;
  const fitting = offered.filter(({ key }) => mismatchOf(report, key) === undefined);
  for (const signer of fitting) if (await signer.hasSigned) return signer;
  const [first] = fitting;
  if (first !== undefined) return first;
  throw new EndorsementError({
    code: "ENDORSEMENT_UNAVAILABLE",
    message: `no ${report.signingKey} certificate for this chip at this TCB: fetch it from AMD's key distribution service`,
    details: {
      chipId: toHex(report.chipId),
      reportedTcb: toHex(report.reportedTcb),
      offered: leaves.length,
    },
  });
}

/** Undefined for one of several that cannot be read, and did not sign. @throws what is wrong with it, where it is the only one, or signed */
async function toSigner(
  certificate: Certificate,
  report: SnpReport,
  count: number,
): Promise<Signer | undefined> {
  const hasSigned = isReportSigned(certificate, report);
  try {
    return { certificate, key: parseKdsExtensions(certificate), hasSigned };
  } catch (error) {
    if (count > 1 && !(await hasSigned)) return undefined;
    throw error;
  }
}

/**
 * AMD publishes one list per product, signed by the ARK, of ASKs (AMD 57230, `/vcek/v1/{product}/crl`); VCEKs are
 * retired by raising the TCB. No list at all is reported and left to the policy; one that is there must be authentic and
 * in date.
 *
 * @returns when the list is in date, or null when there is none
 */
async function checkAskRevocation(
  path: VerifiedPath,
  { endorsements, now }: SnpContext,
): Promise<TimeWindow | null> {
  const [, ask, ark] = path.certificates;
  if (ask === undefined || ask.publicKey.spkiHex === path.anchor.publicKey.spkiHex) {
    throw new EvidenceError({
      code: "EVIDENCE_CHAIN_INVALID",
      message: "AMD's root certifies no signing key itself: there must be an ASK between",
    });
  }
  const crls = endorsements.crls.filter((crl) => crl.issuer === ask.issuer);
  if (crls.length === 0) return null;
  const issuer = ark ?? { publicKey: path.anchor.publicKey, keyUsage: null };
  const relied = await checkRevocation(ask, { issuer, crls, now, role: "ca" });
  return intersectWindows(relied.map((crl) => ({ from: crl.thisUpdate, until: crl.nextUpdate })));
}

function mismatchOf(report: SnpReport, key: KdsExtensions): EvidenceError | undefined {
  if ((report.signingKey === "VLEK") !== (key.cspId !== null)) {
    return mismatch(
      "EVIDENCE_BINDING_MISMATCH",
      "the report names another kind of signing key than its certificate",
    );
  }
  if (report.cpuid !== null && !isCpuidOf(key.productLine, report.cpuid))
    return mismatch("EVIDENCE_BINDING_MISMATCH", "the report's CPUID is not of its certificate's product");
  if (!isSameTcb(report.reportedTcb, key.tcb)) {
    return mismatch(
      "EVIDENCE_TCB_MISMATCH",
      "REPORTED_TCB is not the TCB that the signing key was derived for",
      { expected: formatTcb(key), actual: toHex(report.reportedTcb) },
    );
  }
  if (key.hwId !== null && !isChip(report.chipId, key.hwId)) {
    return mismatch(
      "EVIDENCE_PLATFORM_MISMATCH",
      "CHIP_ID is not the chip that the signing key was derived in",
      { expected: toHex(key.hwId), actual: toHex(report.chipId) },
    );
  }
  return undefined;
}

/** A host may mask CHIP_ID (SNP_CONFIG, MASK_CHIP_ID); it is then zero (AMD 56860 §7.3), and no policy can list the chip. */
function isChip(chipId: Uint8Array, hwId: Uint8Array): boolean {
  return (
    isAllZero(chipId) ||
    (equalBytes(chipId.subarray(0, hwId.length), hwId) && isAllZero(chipId.subarray(hwId.length)))
  );
}

function mismatch(
  code: "EVIDENCE_BINDING_MISMATCH" | "EVIDENCE_TCB_MISMATCH" | "EVIDENCE_PLATFORM_MISMATCH",
  message: string,
  details: ErrorDetails = {},
): EvidenceError {
  return new EvidenceError({ code, message, details });
}

function formatTcb({ tcb, productLine }: KdsExtensions): string {
  const fmc = tcb.fmc === null ? "" : `FMC ${tcb.fmc}, `;
  return `${productLine}: ${fmc}boot loader ${tcb.bootLoader}, TEE ${tcb.tee}, SNP ${tcb.snp}, microcode ${tcb.microcode}`;
}

function describeChip(report: SnpReport, key: KdsExtensions): string {
  if (key.cspId !== null) return `signing key is lent to ${key.cspId}: it names no chip`;
  return isAllZero(report.chipId) ? "masked by the host" : "CHIP_ID is the signing key's";
}
