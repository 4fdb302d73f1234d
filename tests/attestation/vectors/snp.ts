/** Real reports of SEV-SNP, with AMD's certificates where the collection has them. */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { AmdEndorsements } from "../../../attestation/amd/amd-endorsements.ts";
import { parseSnpReport, type SnpReport } from "../../../attestation/amd/snp-report.ts";
import { toSnpTcb } from "../../../attestation/amd/tcb-version.ts";
import type { SnpProductLine } from "../../../attestation/amd/product.ts";
import { verifyEvidence } from "../../../attestation/evidence/verify-evidence.ts";
import { parseCertificate, type Certificate } from "../../../attestation/x509/certificate.ts";
import { fromBase64 } from "../../../attestation/x509/pem.ts";
import { fromHex, toHex } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import { rejectionOf } from "../../support/rejection-of.ts";
import { VECTORS_FOLDER } from "../../support/vectors/config.ts";
import {
  HAS_VECTORS,
  readVector,
  readVectorFile,
  type VectorEntry,
  type VectorRunner,
} from "../../support/vectors/manifest.ts";

interface SnpEntry extends VectorEntry {
  readonly product?: string;
  /** Names of certificates; the collection leaves their bytes out, and holds some of them inside other evidence. */
  readonly endorsementCert?: readonly string[] | null;
  readonly certValid?: readonly [string, string] | null;
}

/** Evidence that carries certificates of AMD's, in one encoding or another. */
const CARRIERS = [
  "azure-vtpm/trustee_az-snp-evidence-genoa.json",
  "azure-vtpm/trustee_az-snp-evidence-v0.json",
  "azure-vtpm/trustee_az-snp-evidence-v1.json",
  "azure-vtpm/attestation-rs_az_snp_milan-v3-attestation.json",
  "eventlog/dstack_sev-snp-attestation.json",
  "snp/bundles/veraison_sevsnp-tsm-report.cbor",
  "snp/bundles/aci_uvm_host_amd_certificate.json",
];

function harvest(): readonly Certificate[] {
  return CARRIERS.flatMap((file) => certificatesAnywhere(readVectorFile(file), 2));
}

/** Long runs of base64 (in lines or not) and hex. */
const ENCODED = /(?:\\+n|\n)?(?:[A-Za-z0-9+/_=-]{48,}(?:\\+n|\n)?)+[A-Za-z0-9+/=]*/g;
const latin1 = new TextDecoder("latin1");

/** In the bytes themselves, and in what encoded text within them decodes to, `depth` times over. */
function certificatesAnywhere(bytes: Uint8Array<ArrayBuffer>, depth: number): readonly Certificate[] {
  const texts = depth === 0 ? [] : (latin1.decode(bytes).match(ENCODED) ?? []);
  return [
    ...certificatesIn(bytes),
    ...texts.flatMap((text) => certificatesAnywhere(decodeText(text), depth - 1)),
  ];
}

function decodeText(text: string): Uint8Array<ArrayBuffer> {
  if (/^(?:[0-9a-f]{2})+$/.test(text)) return fromHex(`0x${text}`);
  const base64 = text
    .replace(/\\+n|\s|=/g, "")
    .replaceAll("-", "+")
    .replaceAll("_", "/");
  const padded = base64.padEnd(Math.ceil(base64.length / 4) * 4, "=");
  return codeOf(() => fromBase64(padded)) === "nothing thrown" ? fromBase64(padded) : new Uint8Array();
}

const certificates = HAS_VECTORS ? harvest() : [];

/** Every DER certificate that begins anywhere in these bytes. */
function certificatesIn(bytes: Uint8Array<ArrayBuffer>): readonly Certificate[] {
  const found: Certificate[] = [];
  for (let at = bytes.indexOf(0x30); at !== -1; at = bytes.indexOf(0x30, at + 1)) {
    if (bytes[at + 1] !== 0x82 || bytes[at + 4] !== 0x30) continue;
    const der = bytes.slice(at, at + 4 + bytes[at + 2]! * 256 + bytes[at + 3]!);
    if (codeOf(() => parseCertificate(der)) === "nothing thrown") found.push(parseCertificate(der));
  }
  return found;
}

function prefixOf({ der }: Certificate): string {
  return createHash("sha256").update(der).digest("hex").slice(0, 8);
}

/** The named certificate, from its file where someone fetched it, or from the evidence that carries it. */
function endorsementsOf({ endorsementCert }: SnpEntry): AmdEndorsements {
  const files = (endorsementCert ?? []).filter((file) => existsSync(join(VECTORS_FOLDER, file)));
  const prefixes = (endorsementCert ?? []).map((file) => file.slice(-12, -4));
  const carried = certificates.filter((certificate) => prefixes.includes(prefixOf(certificate)));
  return {
    certificates: [...files.map((file) => parseCertificate(readVectorFile(file))), ...carried],
    crls: [],
  };
}

const INVALID_VCEK_FOR = "snp/reports/trustee__test-report.bin";

/** Reports whose certificate the collection holds inside other evidence: these get their verdict everywhere. */
const CARRIED: ReadonlySet<string> = new Set([
  "dstack__sev_snp_attestation",
  "trustee__evidence-v0",
  "trustee__evidence-v1",
  "trustee__evidence-genoa",
  "attestation-rs__milan-v3-attestation",
  "services__sevsnp-tsm-report",
]);

export const snpRunner: VectorRunner = {
  kinds: ["snp-v2", "snp-v3", "snp-v5", "snp"],
  run: async (entry: SnpEntry) => {
    if (entry.kind !== "snp") await expectReport(entry);
    else if (entry.file.endsWith("_attestation.bin")) await expectDstackAttestation(entry);
    else if (entry.file.includes("tsm-report")) await expectTsmReport(entry);
    else await expectRefusal(entry);
  },
};

async function expectReport(entry: SnpEntry): Promise<void> {
  const bytes = readVector(entry);
  expectMeasured(parseSnpReport(bytes), entry);
  const amd = endorsementsOf(entry);
  if (CARRIED.has(entry.id)) expect(amd.certificates.length).toBeGreaterThan(0);
  const now = entry.certValid == null ? 1_750_000_000 : Date.parse(entry.certValid[0]) / 1000 + 1;
  const code = await rejectionOf(() => verifyEvidence(bytes, { amd }, { now }));
  // Without the certificate nothing can be said of the signature: the verdict is withheld, never given.
  expect(code).toBe(amd.certificates.length === 0 ? "ENDORSEMENT_UNAVAILABLE" : "nothing thrown");
  if (amd.certificates.length > 0) expect(entry.expected).toBe("VALID");
}

/** An attestation of dstack's, whose chain is in another file. */
async function expectDstackAttestation(entry: SnpEntry): Promise<void> {
  const amd: AmdEndorsements = { certificates, crls: [] };
  const verified = await verifyEvidence(readVector(entry), { amd }, { now: 1_782_000_000 });
  expect(verified.kind).toBe("dstackSnp");
}

/** Report and certificate table in one CBOR map: it needs no endorsement of ours. */
async function expectTsmReport(entry: SnpEntry): Promise<void> {
  const verified = await verifyEvidence(readVector(entry), {}, { now: 1_750_000_000 });
  expect(verified.claims).toMatchObject({ product: "Genoa", version: 3 });
}

async function expectRefusal(entry: SnpEntry): Promise<void> {
  const bytes = readVector(entry);
  if (entry.file.endsWith(".der")) {
    const amd: AmdEndorsements = { certificates: [parseCertificate(bytes)], crls: [] };
    const report = readVectorFile(INVALID_VCEK_FOR);
    const code = await rejectionOf(() => verifyEvidence(report, { amd }, { now: 1_700_000_000 }));
    // It did not sign the report, and so says nothing of it: an endorsement that does not serve.
    expect(code).toMatch(/^ENDORSEMENT_/);
  } else {
    expect(codeOf(() => parseSnpReport(bytes))).toBe("EVIDENCE_MALFORMED");
  }
}

function expectMeasured(report: SnpReport, { measured = {}, product = "" }: SnpEntry): void {
  const line: SnpProductLine = /Turin/.test(product) ? "Turin" : /Genoa/.test(product) ? "Genoa" : "Milan";
  const tcb = (bytes: Uint8Array) => {
    const { fmc, bootLoader, tee, snp, microcode } = toSnpTcb(bytes, line);
    return { ...(fmc === null ? {} : { fmc }), bl: bootLoader, tee, snp, uc: microcode };
  };
  const hex = (bytes: Uint8Array) => toHex(bytes).slice(2);
  const actual: Readonly<Record<string, unknown>> = {
    version: report.version,
    guestSvn: report.guestSvn,
    policy: `0x${report.policy.raw.toString(16)}`,
    debug: report.policy.debugAllowed,
    migrateMA: report.policy.migrateMaAllowed,
    smt: report.policy.smtAllowed,
    familyId: hex(report.familyId),
    vmpl: report.vmpl,
    sigAlgo: 1,
    platInfo: report.platformInfo.toString(16),
    signingKey: report.signingKey,
    authorKeyEn: report.authorKeyEnabled,
    reportData: hex(report.reportData),
    measurement: hex(report.measurement),
    hostData: hex(report.hostData),
    idKeyDigest: hex(report.idKeyDigest),
    reportId: hex(report.reportId),
    chipId: hex(report.chipId),
    cpuid: report.cpuid === null ? null : [report.cpuid.family, report.cpuid.model, report.cpuid.stepping],
    current: tcb(report.currentTcb),
    reported: tcb(report.reportedTcb),
    committed: tcb(report.committedTcb),
    launch: tcb(report.launchTcb),
  };
  // `maskChip` and `flags` spell one word that the report holds once.
  const { maskChip } = measured;
  expect(report.maskChipKey).toBe(maskChip);
  const listed = Object.fromEntries(
    Object.entries(measured).filter(([name]) => !["maskChip", "flags"].includes(name)),
  );
  expect(Object.fromEntries(Object.keys(listed).map((name) => [name, actual[name]]))).toEqual(listed);
}
