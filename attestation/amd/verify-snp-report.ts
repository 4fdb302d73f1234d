/** Is an SEV-SNP report genuine? Orders the steps; each is elsewhere. */

import { equalBytes, toHex } from "../../protocol/bytes.ts";
import { EndorsementError, EvidenceError } from "../../protocol/errors.ts";
import { isAllZero } from "../encoding/layout.ts";
import {
  checkUnixSeconds,
  intersectWindows,
  toIsoTime,
  type TimeWindow,
  type UnixSeconds,
} from "../time/unix-time.ts";
import { sealVerified, type Check, type VerifiedEvidence } from "../evidence/verified-evidence.ts";
import type { Certificate } from "../x509/certificate.ts";
import { verifyPath, type VerifiedPath } from "../x509/path.ts";
import { checkRevocation } from "../x509/revocation.ts";
import { checkSignature } from "../x509/signature.ts";
import { ECDSA_SHA384 } from "../x509/signature-scheme.ts";
import type { AmdEndorsements } from "./amd-endorsements.ts";
import { toSnpClaims } from "./claims.ts";
import { AMD_INTERMEDIATES } from "./intermediates.ts";
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
  const { certificate, key } = selectSigner(report, context.endorsements);
  const path = await verifyPath(certificate, {
    pool: authoritiesAmong(context.endorsements),
    roots: roots.filter((root) => root.productLine === key.productLine).map((root) => root.anchor),
    now: context.now,
    revocation: { notPublished: "AMD lists revoked ASKs only; checkAskRevocation looks them up" },
  });
  const revocation = await checkAskRevocation(path, context);
  await checkSignature("SEV-SNP report", {
    key: certificate.publicKey,
    scheme: ECDSA_SHA384,
    data: report.signedRegion,
    signature: report.signature,
  });
  checkKeyBelongs(report, key);
  return sealVerified({
    kind: "snp",
    claims: toSnpClaims(report, key, revocation === null ? "not-checked" : "checked"),
    debug: report.policy.debugAllowed,
    reportData: toHex(report.reportData),
    platformId: isAllZero(report.chipId) ? null : toHex(report.chipId),
    tcbStatus: null,
    advisories: [],
    window: revocation === null ? path.window : intersectWindows([path.window, revocation]),
    issuedAt: null,
    verifiedAt: context.now,
    checks: describe(report, { path, key, revocation }),
  });
}

/**
 * Candidate issuers, each once: a folder of endorsements holds the same ASK beside every VCEK. Ours first: what was
 * once found of these objects (`isIssuedBy`) need not be found again for each new copy.
 */
function authoritiesAmong({ certificates }: AmdEndorsements): readonly Certificate[] {
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
}

/**
 * The certificate to judge by: the one for this chip at this TCB. When just one is offered it is judged, whatever it
 * says, so that the caller learns what is wrong with it.
 */
function selectSigner(report: SnpReport, { certificates }: AmdEndorsements): Signer {
  const leaves = certificates.filter(isSnpKeyCertificate);
  const [only, another] = leaves;
  if (only !== undefined && another === undefined) {
    return { certificate: only, key: parseKdsExtensions(only) };
  }
  const signers = leaves.map((certificate) => ({ certificate, key: parseKdsExtensions(certificate) }));
  const signer = signers.find(({ key }) => mismatchOf(report, key) === undefined);
  if (signer === undefined) {
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
  return signer;
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
  if (crls.length === 0) {
    return null;
  }
  const issuer = ark ?? { publicKey: path.anchor.publicKey, keyUsage: null };
  const relied = await checkRevocation(ask, { issuer, crls, now, role: "ca" });
  return intersectWindows(relied.map((crl) => ({ from: crl.thisUpdate, until: crl.nextUpdate })));
}

/** The signature is right; a key of another chip, TCB, product or kind must still not pass for this one's. */
function checkKeyBelongs(report: SnpReport, key: KdsExtensions): void {
  const mismatch = mismatchOf(report, key);
  if (mismatch !== undefined) {
    throw mismatch;
  }
}

function mismatchOf(report: SnpReport, key: KdsExtensions): EvidenceError | undefined {
  if ((report.signingKey === "VLEK") !== (key.cspId !== null)) {
    return mismatch(
      "EVIDENCE_BINDING_MISMATCH",
      "the report names another kind of signing key than its certificate",
    );
  }
  if (report.cpuid !== null && !isCpuidOf(key.productLine, report.cpuid)) {
    return mismatch("EVIDENCE_BINDING_MISMATCH", "the report's CPUID is not of its certificate's product");
  }
  if (!isSameTcb(report.reportedTcb, key.tcb)) {
    return mismatch(
      "EVIDENCE_TCB_MISMATCH",
      "REPORTED_TCB is not the TCB that the signing key was derived for",
    );
  }
  if (key.hwId !== null && !isChip(report.chipId, key.hwId)) {
    return mismatch(
      "EVIDENCE_PLATFORM_MISMATCH",
      "CHIP_ID is not the chip that the signing key was derived in",
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
): EvidenceError {
  return new EvidenceError({ code, message });
}

interface Established {
  readonly path: VerifiedPath;
  readonly key: KdsExtensions;
  readonly revocation: TimeWindow | null;
}

function describe(report: SnpReport, { path, key, revocation }: Established): readonly Check[] {
  const chain = path.certificates.map((certificate) => certificate.label).join(" < ");
  return [
    { name: "certificate chain", ok: true, detail: `${chain}, root ${path.anchor.name} pinned` },
    ...(revocation === null
      ? []
      : [
          {
            name: "revocation",
            ok: true as const,
            detail: `list in date until ${toIsoTime(revocation.until)}`,
          },
        ]),
    { name: "report signature", ok: true, detail: `ECDSA P-384 by the chip's ${report.signingKey}` },
    { name: "TCB", ok: true, detail: `signing key is for ${formatTcb(key)}` },
    { name: "chip", ok: true, detail: describeChip(report, key) },
  ];
}

function formatTcb({ tcb, productLine }: KdsExtensions): string {
  const fmc = tcb.fmc === null ? "" : `FMC ${tcb.fmc}, `;
  return `${productLine}: ${fmc}boot loader ${tcb.bootLoader}, TEE ${tcb.tee}, SNP ${tcb.snp}, microcode ${tcb.microcode}`;
}

function describeChip(report: SnpReport, key: KdsExtensions): string {
  if (key.cspId !== null) {
    return `signing key is lent to ${key.cspId}: it names no chip`;
  }
  return isAllZero(report.chipId) ? "masked by the host" : "CHIP_ID is the signing key's";
}
