/** Real SGX and TDX quotes of the collection, judged with Intel's real collateral. */

import { expect } from "vitest";
import {
  parseIntelEndorsements,
  type IntelEndorsements,
} from "../../../attestation/intel/intel-endorsements.ts";
import { findPckChain } from "../../../attestation/intel/pck-chain.ts";
import { parseQuote, type Quote } from "../../../attestation/intel/quote.ts";
import { checkAttestationKeyBinding } from "../../../attestation/intel/qe-report.ts";
import { INTEL_TRUST } from "../../../attestation/intel/trust.ts";
import { proposePolicy } from "../../../attestation/policy/propose.ts";
import { appraiseEvidence } from "../../../attestation/policy/appraise.ts";
import type { VerifiedEvidence } from "../../../attestation/evidence/verified-evidence.ts";
import { verifyEvidence } from "../../../attestation/evidence/verify-evidence.ts";
import { verifyPath } from "../../../attestation/x509/path.ts";
import { fromP256Coordinates } from "../../../attestation/x509/public-key.ts";
import { checkSignature } from "../../../attestation/x509/signature.ts";
import { ECDSA_SHA256 } from "../../../attestation/x509/signature-scheme.ts";
import {
  readVector,
  readVectorText,
  type VectorCheck,
  type VectorEntry,
  type VectorRunner,
} from "../../support/vectors/manifest.ts";
import { rejectionOf } from "../../support/rejection-of.ts";

/** Quotes that must be refused, and why; the reason is the manifest's, the code is ours. */
const REFUSED: Readonly<Record<string, string>> = {
  "negative/sgx-v3/SGX-TDX-DCAP-QuoteVerificationLibrary__quote.bin": "EVIDENCE_UNSUPPORTED",
  "negative/sgx-v3/openenclave__sgx_cert_rsa_bad.bin": "EVIDENCE_CHAIN_INVALID",
  "negative/sgx-v3/openenclave__sgx_report_bad.bin": "EVIDENCE_CHAIN_UNTRUSTED",
  "negative/sgx-v4/SGX-TDX-DCAP-QuoteVerificationService__qvlTest.bin": "EVIDENCE_MALFORMED",
  "negative/tdx-v4/SGX-TDX-DCAP-QuoteVerificationLibrary__quote.bin": "EVIDENCE_MALFORMED",
  "negative/tdx-v4/SGX-TDX-DCAP-QuoteVerificationService__verifyAttestationEvidenceTest.bin":
    "EVIDENCE_MALFORMED",
};

/** Any endorsements serve where the quote itself is at fault: it is refused before they matter. */
const ANY_COLLATERAL = "collateral/bundles/sgx-00606a000000-tcb2024-06-13-e16-v2-28cb.json";
const ANY_TIME = "2024-07-05T11:49:22Z";

const parsed = new Map<string, IntelEndorsements>();

export function endorsementsOf(file: string): IntelEndorsements {
  const known = parsed.get(file) ?? parseIntelEndorsements(JSON.parse(readVectorText(file)));
  parsed.set(file, known);
  return known;
}

export const intelRunner: VectorRunner = {
  kinds: ["sgx-v3", "sgx-v4", "tdx-v4", "tdx-v5"],
  run: async (entry) => {
    const refused = REFUSED[entry.file];
    if (refused !== undefined) {
      const collateral = { collateral: ANY_COLLATERAL, time: ANY_TIME };
      expect(await rejectionOf(() => judge(entry, collateral))).toBe(refused);
      return;
    }
    if (entry.checks === undefined || entry.checks.length === 0) await expectGenuineSignatures(entry);
    for (const check of entry.checks ?? []) await expectVerdict(entry, check);
  },
};

async function judge(entry: VectorEntry, { collateral, time }: Pick<VectorCheck, "collateral" | "time">) {
  const now = Date.parse(time) / 1000;
  return await verifyEvidence(readVector(entry), { intel: endorsementsOf(collateral) }, { now });
}

async function expectVerdict(entry: VectorEntry, check: VectorCheck): Promise<void> {
  const evidence = await judge(entry, check);
  expect(evidence.tcbStatus).toBe(check.tcbStatus);
  expect([...evidence.advisories].sort()).toEqual([...check.advisories].sort());
  expectMeasured(entry, evidence);
  // The collection calls debug a fatal verdict; here the evidence is genuine, and no policy accepts it unasked.
  const policy = proposePolicy(evidence);
  const code = await rejectionOf(() =>
    Promise.resolve(appraiseEvidence(evidence, policy, { now: evidence.verifiedAt })),
  );
  if (check.fatal.length > 0) expect(code).toBe("APPRAISAL_DEBUG_ENABLED");
  else if (["Revoked", "NotSupported"].includes(check.tcbStatus))
    expect(code).toBe("APPRAISAL_TCB_UNACCEPTABLE");
  else expect(code).toBe("nothing thrown");
}

/** The collection's names for claims that it spells otherwise. */
const CLAIM_NAMES: Readonly<Record<string, string>> = { cpusvn: "reportcpusvn" };

export function expectMeasured({ measured = {} }: VectorEntry, evidence: VerifiedEvidence): void {
  const claims = new Map<string, unknown>([
    ...Object.entries(evidence.claims).map(([name, value]) => [name.toLowerCase(), value] as const),
    ["reportdata", evidence.reportData],
    ["debug", evidence.debug],
    ["septvedisable", "tdAttributes" in evidence.claims && isSeptVeDisabled(evidence.claims.tdAttributes)],
  ]);
  for (const [name, value] of Object.entries(measured)) {
    const lower = name.toLowerCase();
    const actual = claims.get(CLAIM_NAMES[lower] ?? lower);
    expect(actual, name).toEqual(
      typeof value === "string" && typeof actual === "string" ? `0x${value}` : value,
    );
  }
}

/** Bit 28 of TD_ATTRIBUTES, little-endian (TDX module 1.5 ABI, ATTRIBUTES). */
function isSeptVeDisabled(tdAttributes: string): boolean {
  return (Number.parseInt(tdAttributes.slice(8, 10), 16) & 0x10) !== 0;
}

/** No endorsements of its time exist: everything that needs none must hold, and the verdict must be withheld. */
async function expectGenuineSignatures(entry: VectorEntry): Promise<void> {
  const bytes = readVector(entry);
  const now = Date.parse(entry.pckValid?.[0] ?? "") / 1000 + 1;
  expect(await rejectionOf(() => verifyEvidence(bytes, {}, { now }))).toBe("ENDORSEMENT_UNAVAILABLE");
  await checkQuoteSignatures(parseQuote(bytes), now);
}

async function checkQuoteSignatures(quote: Quote, now: number): Promise<void> {
  const { leaf, certificates } = findPckChain(quote, endorsementsOf(ANY_COLLATERAL));
  const revocation = { notPublished: "this collection holds no list of the quote's time" };
  await verifyPath(leaf, { pool: certificates, roots: [INTEL_TRUST.anchor], now, revocation });
  checkAttestationKeyBinding(quote);
  const { qeReport, qeReportSignature, attestationKey, signed, signature } = quote;
  const scheme = ECDSA_SHA256;
  await checkSignature("QE report", {
    key: leaf.publicKey,
    scheme,
    data: qeReport,
    signature: qeReportSignature,
  });
  await checkSignature("quote", {
    key: fromP256Coordinates(attestationKey),
    scheme,
    data: signed,
    signature,
  });
}
