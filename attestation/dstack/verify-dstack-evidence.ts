/** Is evidence of a dstack guest genuine? The hardware's first, then what the guest extended or was launched with. */

import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { concatBytes, equalBytes, fromHex, toHex, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { parseAmdEndorsements, type AmdEndorsements } from "../amd/amd-endorsements.ts";
import { mergeAmdEndorsements } from "../amd/merge-endorsements.ts";
import { AMD_ROOTS, type SnpRoot } from "../amd/roots.ts";
import { verifySnpReportUnder } from "../amd/verify-snp-report.ts";
import { AWS_NITRO_ROOTS } from "../aws/roots.ts";
import { verifyNitroDocumentUnder, verifyNitroTpmDocumentUnder } from "../aws/verify-nitro-document.ts";
import { readField } from "../encoding/layout.ts";
import { CheckList, valueOf } from "../evidence/check-list.ts";
import { sealVerified, type Check, type VerifiedEvidence } from "../evidence/verified-evidence.ts";
import type { IntelEndorsements } from "../intel/intel-endorsements.ts";
import { parseQuote } from "../intel/quote.ts";
import { TD_REPORT_BODY } from "../intel/quote-layout.ts";
import { INTEL_TRUST } from "../intel/trust.ts";
import { verifyTdQuote, type TdQuoteContext } from "../intel/verify-tdx.ts";
import type { UnixSeconds } from "../time/unix-time.ts";
import type { TrustAnchor } from "../x509/trust-anchor.ts";
import { NO_APP_INFO, verifyDstackAppInfo, verifyMrConfig, verifyPcrAppInfo } from "./app-info.ts";
import type { DstackAttestation, DstackPlatform } from "./attestation.ts";
import { eventsOf, parseDstackEvidence } from "./dstack-evidence.ts";

/**
 * Genuine evidence of a dstack guest on TDX: the quote is (`verifyTdxQuote`), and the event log replays to its RTMR3, so
 * that compose hash and app id are what the guest extended.
 *
 * Leaves to the caller: what `verifyTdxQuote` leaves; and MRTD with RTMR 0 to 2, which say whether the guest is
 * dstack's: another image could extend the same events. Firmware's events are not read: a "lite" log leaves most of
 * them out, and the registers stand in the quote.
 *
 * @throws {EvidenceError} not genuine
 * @throws {EndorsementError} it cannot be judged with these endorsements at `now`
 */
export async function verifyDstackEvidence(
  evidence: Uint8Array | DstackAttestation,
  endorsements: IntelEndorsements | undefined,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"dstack">> {
  return await verifyDstackEvidenceUnder(evidence, { endorsements, now, trust: INTEL_TRUST });
}

/** `verifyDstackEvidence` under another root: for tests. */
export async function verifyDstackEvidenceUnder(
  evidence: Uint8Array | DstackAttestation,
  context: TdQuoteContext,
): Promise<VerifiedEvidence<"dstack">> {
  const attestation = open(evidence);
  const td = parseQuote(platformOf(attestation, "tdx").quote);
  const events = eventsOf(attestation);
  const list = new CheckList();
  const verifying = list.start(
    { name: "hardware", link: "hardware" },
    async () => await verifyTdQuote("tdx", td, context),
    ({ checks }) => checks,
  );
  // The registers as they stand in the quote: whether the log replays to them does not depend on who signed it.
  list.start(
    {
      name: "stated report data",
      link: "evidence",
      compared: "what the guest says with the quote's report data",
    },
    () => {
      checkReportData(attestation, toHex(readField(td.body, TD_REPORT_BODY.reportData)));
    },
    () => "as the guest says, or it says nothing",
  );
  const replaying = list.start(
    { name: "event log", link: "evidence", compared: "the events, replayed, with RTMR3 of the quote" },
    () => verifyDstackAppInfo(events, readField(td.body, TD_REPORT_BODY.rtMr3)),
    () => `${events.length} events; those of RTMR3 replay`,
  );
  const checks = await list.finish();
  const hardware = await valueOf(verifying);
  const app = await valueOf(replaying);
  return sealVerified({ ...hardware, kind: "dstack", claims: { hardware: hardware.claims, app }, checks });
}

/**
 * Genuine evidence of a dstack guest on SEV-SNP: the report is (`verifySnpReport`), and its HOST_DATA commits to the
 * configuration beside it, which names the application.
 *
 * Leaves to the caller: what `verifySnpReport` leaves; and MEASUREMENT, which says whether the guest is dstack's: another
 * image may be launched with any HOST_DATA.
 *
 * @throws {EvidenceError} not genuine
 * @throws {EndorsementError} it cannot be judged with these endorsements at `now`
 */
export async function verifyDstackSnpEvidence(
  evidence: Uint8Array | DstackAttestation,
  endorsements: AmdEndorsements | undefined,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"dstackSnp">> {
  return await verifyDstackSnpEvidenceUnder(AMD_ROOTS, evidence, { endorsements, now });
}

/** `verifyDstackSnpEvidence` under other roots: for tests. */
export async function verifyDstackSnpEvidenceUnder(
  roots: readonly SnpRoot[],
  evidence: Uint8Array | DstackAttestation,
  { endorsements, now }: { readonly endorsements: AmdEndorsements | undefined; readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"dstackSnp">> {
  const attestation = open(evidence);
  const { report, certificates, mrConfig } = platformOf(attestation, "snp");
  const own = parseAmdEndorsements({ certificates, crls: [] });
  const offered = mergeAmdEndorsements(own, endorsements);
  const hardware = await verifySnpReportUnder(roots, report, { endorsements: offered, now });
  checkReportData(attestation, hardware.reportData);
  const app = verifyMrConfig(mrConfig, fromHex(hardware.claims.hostData));
  const detail = mrConfig === "" ? "none beside the report" : "HOST_DATA commits to it";
  return sealVerified({
    ...hardware,
    kind: "dstackSnp",
    claims: { hardware: hardware.claims, app },
    checks: [...hardware.checks, { name: "configuration", ok: true, detail }],
  });
}

/**
 * Genuine evidence of a dstack guest in a Nitro enclave: the document is (`verifyNitroDocument`), with the report data
 * that the guest names. What is left to the caller is what that leaves.
 *
 * @throws {EvidenceError} not genuine
 */
export async function verifyDstackNitroEvidence(
  evidence: Uint8Array | DstackAttestation,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"dstackNitro">> {
  return await verifyDstackNitroEvidenceUnder(AWS_NITRO_ROOTS, evidence, { now });
}

/** `verifyDstackNitroEvidence` under other roots: for tests. */
export async function verifyDstackNitroEvidenceUnder(
  roots: readonly TrustAnchor[],
  evidence: Uint8Array | DstackAttestation,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"dstackNitro">> {
  const attestation = open(evidence);
  const { document } = platformOf(attestation, "nitro");
  const hardware = await verifyNitroDocumentUnder(roots, document, { now });
  checkReportData(attestation, hardware.reportData);
  const osImageHash = imageHash(hardware.claims.pcrs);
  return sealVerified({
    ...hardware,
    kind: "dstackNitro",
    claims: { hardware: hardware.claims, app: { ...NO_APP_INFO, osImageHash } },
  });
}

/** dstack's name for an enclave image: SHA-256 of PCR0 to PCR2 (`NitroPcrs::image_hash`). */
function imageHash(pcrs: Readonly<Record<string, Hex>>): Hex {
  return toHex(sha256(concatBytes(...["0", "1", "2"].map((index) => fromHex(pcrs[index] ?? "0x")))));
}

/**
 * Genuine evidence of a dstack guest on an EC2 instance with a NitroTPM: the document is (`verifyNitroTpmDocument`), and
 * the event log replays to its PCR14.
 *
 * Leaves to the caller: what `verifyNitroTpmDocument` leaves; and PCRs 4, 7 and 12, which say whether the guest is
 * dstack's.
 *
 * @throws {EvidenceError} not genuine
 */
export async function verifyDstackNitroTpmEvidence(
  evidence: Uint8Array | DstackAttestation,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"dstackNitroTpm">> {
  return await verifyDstackNitroTpmEvidenceUnder(AWS_NITRO_ROOTS, evidence, { now });
}

/** `verifyDstackNitroTpmEvidence` under other roots: for tests. */
export async function verifyDstackNitroTpmEvidenceUnder(
  roots: readonly TrustAnchor[],
  evidence: Uint8Array | DstackAttestation,
  { now }: { readonly now: UnixSeconds },
): Promise<VerifiedEvidence<"dstackNitroTpm">> {
  const attestation = open(evidence);
  const { document } = platformOf(attestation, "nitroTpm");
  const events = eventsOf(attestation);
  const hardware = await verifyNitroTpmDocumentUnder(roots, document, { now });
  checkReportData(attestation, hardware.reportData);
  const app = verifyPcrAppInfo(events, fromHex(hardware.claims.pcrs["14"] ?? "0x"));
  const check: Check = { name: "event log", ok: true, detail: `${events.length} events replay to PCR14` };
  return sealVerified({
    ...hardware,
    kind: "dstackNitroTpm",
    claims: { hardware: hardware.claims, app },
    checks: [...hardware.checks, check],
  });
}

function open(evidence: Uint8Array | DstackAttestation): DstackAttestation {
  return evidence instanceof Uint8Array ? parseDstackEvidence(evidence) : evidence;
}

function platformOf<Kind extends DstackPlatform["kind"]>(
  { platform }: DstackAttestation,
  kind: Kind,
): Extract<DstackPlatform, { readonly kind: Kind }> {
  if (platform.kind !== kind) {
    throw new EvidenceError({
      code: "EVIDENCE_MALFORMED",
      message: "the attestation is of another platform",
      details: { expected: kind, actual: platform.kind },
    });
  }
  return platform as Extract<DstackPlatform, { readonly kind: Kind }>;
}

/** `QuoteContentType::AppData`: what an application's payload is hashed with. */
const APP_DATA_PREFIX = "app-data:";

/** What a guest says beside the evidence must be what the evidence says. */
function checkReportData({ reportData, reportDataPayload }: DstackAttestation, bound: Hex | null): void {
  const isStated = reportData === null || toHex(reportData) === bound;
  const isPayload =
    reportDataPayload === null ||
    equalBytes(sha512(toUtf8(`${APP_DATA_PREFIX}${reportDataPayload}`)), fromHex(bound ?? "0x"));
  if (isStated && isPayload) return;
  throw new EvidenceError({
    code: "EVIDENCE_BINDING_MISMATCH",
    message: isStated
      ? "the report data is not the hash of the payload beside it"
      : "the evidence is bound to other report data than the guest says",
  });
}
