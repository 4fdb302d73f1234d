/** Which of the dropped files is what. A file is taken for what it looks like, also where it turns out to be broken. */

import { findEvidence } from "../../attestation/evidence/find-evidence.ts";
import { isCoseReceipt } from "../../attestation/receipt/cose-receipt.ts";
import { poolFiles } from "../../attestation/endorsements/files/endorsement-pool.ts";
import { findCertificateEvidence } from "../../attestation/ra-tls/certificate-evidence.ts";
import { RULES } from "../../attestation/policy/policy.ts";
import { looksLikeReceipt } from "../../attestation/receipt/looks-like-receipt.ts";
import { parseCertificate } from "../../attestation/x509/certificate.ts";
import { parseJson } from "../../protocol/canonical-json.ts";
import { AdytonError, EvidenceError } from "../../protocol/errors.ts";
import type { FileRole, GivenFile } from "./judgement.ts";

export function roleOf(file: GivenFile): FileRole {
  const { bytes } = file;
  if (isCoseReceipt(bytes)) return "twin";
  if (looksLikeReceipt(bytes)) return "receipt";
  if (looksLikePolicy(bytes)) return "policy";
  const found = lookForEvidence(bytes);
  if (found === "evidence") return "evidence";
  if (holdsEndorsements(file)) return "endorsements";
  return found === "nothing" ? "nothing" : "evidence";
}

/** `broken`: of a kind that is known, and not readable; `certificate`: a certificate that carries no evidence. */
function lookForEvidence(bytes: Uint8Array<ArrayBuffer>): "evidence" | "certificate" | "broken" | "nothing" {
  try {
    const [first] = findEvidence(bytes);
    if (first?.kind !== "certificate") return "evidence";
    findCertificateEvidence(parseCertificate(first.bytes));
    return "evidence";
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    return error.code === "EVIDENCE_UNSUPPORTED" ? "nothing" : "broken";
  }
}

function looksLikePolicy(bytes: Uint8Array): boolean {
  if (bytes.length > MAX_POLICY_BYTES) return false;
  try {
    const json = parseJson(bytes);
    if (typeof json !== "object" || json === null || Array.isArray(json) || !("version" in json))
      return false;
    return Object.keys(RULES).some((kind) => isSection(json[kind]));
  } catch {
    return false;
  }
}

/** Bytes: some 4,096 digests in each of some lists. */
const MAX_POLICY_BYTES = 4 * 1024 * 1024;

function isSection(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return "refuse" in value || "debug" in value || "memory" in value;
}

function holdsEndorsements(file: GivenFile): boolean {
  try {
    return Object.values(poolFiles([file])).some((pooled: readonly unknown[]) => pooled.length > 0);
  } catch (error) {
    if (!(error instanceof AdytonError)) throw error;
    return false;
  }
}
