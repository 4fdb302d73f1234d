import type { FoundEvidence } from "../../attestation/evidence/find-evidence.ts";
import {
  checkReportData,
  verifyEvidence,
  verifyRaTlsCertificate,
  type AppraiseOptions,
  type Check,
  type Endorsements,
  type UnixSeconds,
  type VerifiedEvidence,
} from "../../attestation/index.ts";
import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { claimsReportData, decodeClaims } from "../../protocol/claims.ts";
import { AppraisalError, EvidenceError } from "../../protocol/errors.ts";

/** Genuine evidence, and what stood around it. */
export interface GenuineEvidence {
  readonly evidence: VerifiedEvidence;
  readonly checks: readonly Check[];
  /** The nonce in claims that the report data commits to; null where the evidence came without such claims. */
  readonly claimedNonce: Hex | null;
  readonly eventLog: AppraiseOptions["eventLog"] | null;
}

/** @throws {EvidenceError | EndorsementError} */
export async function verifyFound(
  found: FoundEvidence,
  endorsements: Endorsements,
  now: UnixSeconds,
): Promise<GenuineEvidence> {
  if (found.kind === "certificate") return await verifyCertificate(found.bytes, endorsements, now);
  const evidence = await verifyEvidence(found.evidence ?? found.bytes, endorsements, { now });
  if (found.claims === null) {
    return { evidence, checks: evidence.checks, claimedNonce: null, eventLog: null };
  }
  const { nonce, keysetId } = decodeClaims(fromHex(found.claims));
  if (evidence.reportData !== toHex(claimsReportData(fromHex(found.claims)))) {
    throw new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message: "the report data does not commit to the claims beside the evidence",
    });
  }
  const check: Check = { name: "claims", ok: true, detail: `report data commits to keyset ${keysetId}` };
  return { evidence, checks: [...evidence.checks, check], claimedNonce: nonce, eventLog: null };
}

async function verifyCertificate(
  der: Uint8Array,
  endorsements: Endorsements,
  now: UnixSeconds,
): Promise<GenuineEvidence> {
  const { evidence, format, spkiHash, nonce, keysetId, eventLog } = await verifyRaTlsCertificate(
    der,
    endorsements,
    { now },
  );
  const keyset = keysetId === null ? "" : `, keyset ${keysetId}`;
  const check: Check = {
    name: "certificate key",
    ok: true,
    detail: `RA-TLS (${format}): report data is bound to the key with SHA-256 ${spkiHash}${keyset}`,
  };
  return { evidence, checks: [...evidence.checks, check], claimedNonce: nonce, eventLog };
}

/**
 * Checks what the evidence was made for against what was asked.
 *
 * @returns one check for each demand
 * @throws {AppraisalError} APPRAISAL_REPORT_DATA_MISMATCH
 */
export function checkDemands(
  { evidence, claimedNonce }: GenuineEvidence,
  demands: { readonly nonce: Hex | null; readonly reportData: Hex | null },
): readonly Check[] {
  const checks: Check[] = [];
  if (demands.reportData !== null) {
    checkReportData(evidence, padded(demands.reportData, evidence.reportData));
    checks.push({ name: "report data", ok: true, detail: "is the one asked for" });
  }
  if (demands.nonce !== null) {
    checkNonce(evidence, demands.nonce, claimedNonce);
    checks.push({ name: "nonce", ok: true, detail: "is the one asked for: the evidence is not a replay" });
  }
  return checks;
}

/** Where a kind has a field for a nonce, that field; else the nonce is the report data, as people use it. */
function checkNonce(evidence: VerifiedEvidence, nonce: Hex, claimedNonce: Hex | null): void {
  const field = claimedNonce ?? (evidence.kind === "nitro" ? evidence.claims.nonce : null);
  const actual = field ?? evidence.reportData;
  if (actual === (field === null ? padded(nonce, actual) : nonce)) return;
  throw new AppraisalError({
    code: "APPRAISAL_REPORT_DATA_MISMATCH",
    message: "the evidence was made for another nonce: it may be a replay",
    details: { expected: nonce, actual },
  });
}

/** Report data has 64 bytes in most formats; shorter values are written first and zeros after them. */
function padded(value: Hex, field: Hex | null): Hex {
  return `0x${value.slice(2).padEnd((field?.length ?? 2) - 2, "0")}`;
}
