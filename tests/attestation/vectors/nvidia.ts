/** Real reports and evidence of NVIDIA's GPUs. */

import { expect } from "vitest";
import { verifyEvidence } from "../../../attestation/evidence/verify-evidence.ts";
import { parseNvidiaEvidence } from "../../../attestation/nvidia/nvidia-evidence.ts";
import { NVIDIA_ROOTS } from "../../../attestation/nvidia/roots.ts";
import { parseSpdmMeasurements } from "../../../attestation/nvidia/spdm-measurements.ts";
import { verifyNvidiaEvidenceUnder } from "../../../attestation/nvidia/verify-nvidia-evidence.ts";
import { verifyPath } from "../../../attestation/x509/path.ts";
import { parseCertificates } from "../../../attestation/x509/pem-or-der.ts";
import { concatBytes, fromHex } from "../../../protocol/bytes.ts";
import { rejectionOf } from "../../support/rejection-of.ts";
import {
  HAS_VECTORS,
  readVector,
  readVectorFile,
  readVectorText,
  type VectorEntry,
  type VectorRunner,
} from "../../support/vectors/manifest.ts";

/** NVIDIA's certificates end in the year 9999; the youngest began in 2023. */
const NOW = Date.parse("2026-01-01T00:00:00Z") / 1000;

/** Hopper's CAs are the same for every device: those of one serve a chain that was published without. */
const HOPPER_CAS = HAS_VECTORS ? hopperAuthorities() : new Uint8Array();

function hopperAuthorities(): Uint8Array {
  const [device] = parseNvidiaEvidence(readVectorFile("nvidia/evidence/evidence_hopper_590_12.json"));
  const text = new TextDecoder().decode(device!.certificateChain);
  const blocks = text.match(/-----BEGIN[\s\S]*?END CERTIFICATE-----\n?/g) ?? [];
  return new TextEncoder().encode(blocks.slice(2).join(""));
}

const CASE_2 = "nvidia/negative/hopper_cert_chain_case2.txt";
/** Leaf and boot ROM of the device that made nvtrust's sample, without the CAs above. */
const CASE_3 = "nvidia/negative/hopper_cert_chain_case3.txt";
const SAMPLE = "nvidia/sample/nvtrust_hopperAttestationReport.txt";

/** Reports in hex, the chain that belongs to each, and what comes of it. */
const REPORTS: Readonly<Record<string, readonly [chain: readonly string[] | "cas", code: string]>> = {
  [SAMPLE]: [[CASE_3], "nothing thrown"],
  "nvidia/sample/blackwellAttestationReport.txt": [
    ["nvidia/sample/blackwellCertChain.txt"],
    "nothing thrown",
  ],
  "nvidia/sample/hopperAttestationReportInvalidSignature.txt": [[CASE_3], "EVIDENCE_SIGNATURE_INVALID"],
};

/** Chains by themselves. */
const CHAINS: Readonly<Record<string, string>> = {
  "nvidia/sample/blackwellCertChain.txt": "nothing thrown",
  "nvidia/sample/switchCertChain.txt": "nothing thrown",
};

/** Other verifiers' words about devices: not evidence. */
const NOT_EVIDENCE: ReadonlySet<string> = new Set([
  "nvidia/sample/hopperClaimsv3_detached_eat.json",
  "nvidia/claims/dstack_gpu_attestation_h100.json",
  "nvidia/claims/nras_eat_example.json",
]);

export const nvidiaRunner: VectorRunner = {
  kinds: ["nvidia"],
  run: async (entry) => {
    const { file } = entry;
    const report = REPORTS[file];
    const chain = CHAINS[file];
    if (report !== undefined) await expectReport(entry, report);
    else if (chain !== undefined) await expectChain(entry);
    else if (file.startsWith("nvidia/evidence/")) await expectEvidence(entry);
    else if (file === CASE_2) await expectChainRefused(file, "EVIDENCE_CHAIN_KEY_USAGE");
    else if (file === CASE_3) await expectChainRefused(file, "EVIDENCE_CHAIN_UNTRUSTED");
    else if (file.endsWith("hopper_coco_report1.txt")) expectTrailingByte(entry);
    else if (file.endsWith("switch_device_root.pem")) expectPinnedRoot(entry);
    else await expectNotEvidence(entry);
  },
};

async function expectEvidence(entry: VectorEntry): Promise<void> {
  const bytes = readVector(entry);
  const verified = await verifyEvidence(bytes, {}, { now: NOW });
  const listed = JSON.parse(new TextDecoder().decode(bytes)) as readonly Readonly<Record<string, string>>[];
  expect(verified.reportData).toBe(`0x${listed[0]?.["nonce"] ?? ""}`);
  if (verified.kind !== "nvidia") throw new Error(`recognised as ${verified.kind}`);
  expect(verified.claims.devices.length).toBe(listed.length);
  for (const [index, { driver_version: driver, vbios_version: vbios }] of listed.entries()) {
    const device = verified.claims.devices[index];
    if (driver !== undefined) expect(device?.driverVersion).toBe(driver);
    if (vbios !== undefined) expect(device?.vbiosVersion).toBe(vbios);
  }
}

async function expectReport(
  entry: VectorEntry,
  [chain, code]: readonly [readonly string[] | "cas", string],
): Promise<void> {
  const files = chain === "cas" ? [] : chain;
  expect(
    await verdictOf(reportIn(readVector(entry)), concatBytes(...files.map(readVectorFile), HOPPER_CAS)),
  ).toBe(code);
}

async function expectChainRefused(file: string, code: string): Promise<void> {
  expect(await verdictOf(reportIn(readVectorFile(SAMPLE)), readVectorFile(file))).toBe(code);
}

async function verdictOf(evidence: Uint8Array, certificateChain: Uint8Array): Promise<string> {
  return await rejectionOf(() =>
    verifyNvidiaEvidenceUnder(NVIDIA_ROOTS, [{ evidence, certificateChain }], { now: NOW }),
  );
}

function reportIn(text: Uint8Array): Uint8Array<ArrayBuffer> {
  return fromHex(`0x${new TextDecoder().decode(text).trim()}`);
}

/** Its device's chain was not published, so the signature stays unjudged; the trap is where it lies. */
function expectTrailingByte(entry: VectorEntry): void {
  const bytes = reportIn(readVector(entry));
  const { signedRegion, signature, measurements } = parseSpdmMeasurements(bytes);
  expect(bytes.length - signedRegion.length - signature.length).toBe(1);
  expect(measurements.length).toBe(64);
}

async function expectChain(entry: VectorEntry): Promise<void> {
  const [leaf, ...pool] = parseCertificates(readVector(entry));
  const revocation = { notPublished: "NVIDIA answers by OCSP only" };
  const path = await verifyPath(leaf!, { pool, roots: NVIDIA_ROOTS, now: NOW, revocation });
  expect(path.certificates.length).toBe(5);
}

function expectPinnedRoot(entry: VectorEntry): void {
  const [root] = parseCertificates(readVector(entry));
  expect(NVIDIA_ROOTS.map(({ publicKey }) => publicKey.spkiHex)).toEqual([root?.publicKey.spkiHex]);
}

async function expectNotEvidence(entry: VectorEntry): Promise<void> {
  expect(NOT_EVIDENCE).toContain(entry.file);
  expect(readVectorText(entry.file).length).toBeGreaterThan(0);
  expect(await rejectionOf(() => verifyEvidence(readVector(entry), {}, { now: NOW }))).toBe(
    "EVIDENCE_UNSUPPORTED",
  );
}
