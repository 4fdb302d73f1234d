/** From a hardware report that is genuine to a TPM quote that is: the links that Azure's paravisor makes. */

import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { equalBytes, fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { isAllZero } from "../encoding/layout.ts";
import type { Check } from "../evidence/verified-evidence.ts";
import { checkSignature } from "../x509/signature.ts";
import type { SignatureScheme } from "../x509/signature-scheme.ts";
import { toRsaPublicKey } from "./attestation-key.ts";
import type { AzureEvidence } from "./azure-evidence.ts";
import type { VtpmClaims } from "./claims.ts";
import { parseRuntimeClaims, type HclReport } from "./hcl-report.ts";
import { parseTpmQuote, selectQuotedPcrs } from "./tpm-quote.ts";

const HASHES = { "SHA-256": sha256, "SHA-384": sha384, "SHA-512": sha512 } as const;

/** TPM 2.0 Part 2, TPM_ALG_RSASSA over SHA-256: the key's only scheme. */
const RSASSA_SHA256: SignatureScheme = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", saltBytes: 0 };

export interface VerifiedVtpm {
  readonly claims: VtpmClaims;
  readonly checks: readonly Check[];
}

/**
 * Establishes: the hardware's report data is the hash of the runtime claims; the quote is signed by the key in them;
 * and the PCRs are the quoted ones. The caller has verified the hardware report, whose report data is `reportData`.
 *
 * @throws {EvidenceError} EVIDENCE_BINDING_MISMATCH, EVIDENCE_SIGNATURE_INVALID, EVIDENCE_MALFORMED
 */
export async function verifyVtpm(
  hcl: HclReport,
  { message, signature, pcrs }: AzureEvidence["tpmQuote"],
  reportData: Hex | null,
): Promise<VerifiedVtpm> {
  checkRuntimeClaims(hcl, reportData);
  const runtime = parseRuntimeClaims(hcl.runtimeClaims);
  const quote = parseTpmQuote(message);
  await checkSignature("TPM quote", {
    key: toRsaPublicKey(runtime.attestationKey),
    scheme: RSASSA_SHA256,
    data: quote.message,
    signature,
  });
  const quoted = selectQuotedPcrs(quote, pcrs);
  return {
    claims: {
      pcrs: Object.fromEntries([...quoted].map(([index, value]) => [String(index), toHex(value)])),
      extraData: toHex(quote.extraData),
      userData: runtime.userData,
      secureBoot: runtime.secureBoot,
      vmUniqueId: runtime.vmUniqueId,
    },
    checks: [
      { name: "runtime claims", ok: true, detail: `REPORT_DATA is their ${hcl.hashType}` },
      { name: "TPM quote signature", ok: true, detail: "by HCLAkPub of the runtime claims" },
      { name: "PCRs", ok: true, detail: `${quoted.size} quoted values match` },
    ],
  };
}

/** The hash stands first in the 64 bytes, the rest is zero. */
function checkRuntimeClaims({ hashType, runtimeClaims }: HclReport, reportData: Hex | null): void {
  const bound = fromHex(reportData ?? "0x");
  const hash = HASHES[hashType](runtimeClaims);
  if (!equalBytes(bound.subarray(0, hash.length), hash) || !isAllZero(bound.subarray(hash.length))) {
    throw new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message: "the hardware's report data is not the hash of the runtime claims",
    });
  }
}
