/** What a piece of evidence must be judged with, by what it says of itself. Nothing here is verified. */

import { parseSnpEvidence } from "../attestation/amd/snp-evidence.ts";
import { parseSnpReport, type SnpReport } from "../attestation/amd/snp-report.ts";
import { parseAzureEvidence } from "../attestation/azure/azure-evidence.ts";
import { parseHclReport } from "../attestation/azure/hcl-report.ts";
import { parseDstackEvidence } from "../attestation/dstack/dstack-evidence.ts";
import { recogniseEvidence } from "../attestation/evidence/verify-evidence.ts";
import { parsePckExtension } from "../attestation/intel/pck-certificate.ts";
import { parsePckChain } from "../attestation/intel/pck-chain.ts";
import { parseQuote } from "../attestation/intel/quote.ts";
import { fromHex, type Hex } from "../protocol/bytes.ts";
import { EvidenceError } from "../protocol/errors.ts";

/** Which of Intel's two CAs issued the PCK certificate: each has its own revocation list. */
export type PckCa = "processor" | "platform";

export interface IntelNeed {
  readonly tee: "sgx" | "tdx";
  /** Platform model, 6 bytes. */
  readonly fmspc: Hex;
  readonly pckCa: PckCa;
}

export interface AmdNeed {
  readonly report: SnpReport;
  /** Whether the evidence brings the certificate of the chip's key: what is missing is the CAs' revocation list. */
  readonly bringsKey: boolean;
}

export interface EndorsementNeeds {
  readonly intel: IntelNeed | null;
  readonly amd: AmdNeed | null;
}

const NOTHING: EndorsementNeeds = { intel: null, amd: null };

/** @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_UNSUPPORTED: it cannot be read that far */
export function endorsementNeeds(evidence: Uint8Array): EndorsementNeeds {
  const bytes = new Uint8Array(evidence);
  const kind = recogniseEvidence(bytes);
  switch (kind) {
    case "sgx":
    case "tdx":
      return intelNeed(bytes);
    case "dstack":
      return intelNeed(parseDstackEvidence(bytes).quote);
    case "azureTdx":
      return intelNeed(parseAzureEvidence(bytes).tdQuote ?? new Uint8Array());
    case "snp": {
      const { report, certificateTable } = parseSnpEvidence(bytes);
      return amdNeed(report, certificateTable !== null);
    }
    case "azureSnp": {
      const { hclReport, vcek } = parseAzureEvidence(bytes);
      return amdNeed(parseHclReport(hclReport).hardwareReport, vcek !== null);
    }
    case "nitro":
    case "nvidia":
    case "simulator":
      return NOTHING;
  }
}

function amdNeed(report: Uint8Array, bringsKey: boolean): EndorsementNeeds {
  return { intel: null, amd: { report: parseSnpReport(new Uint8Array(report)), bringsKey } };
}

const NO_CERTIFICATES = { certificates: new Map<string, never>() };

function intelNeed(quote: Uint8Array): EndorsementNeeds {
  const { bodyType, pckChain } = parseQuote(new Uint8Array(quote));
  const { leaf } = parsePckChain(pckChain, NO_CERTIFICATES);
  const tee = bodyType === "sgx" ? "sgx" : "tdx";
  return { intel: { tee, fmspc: parsePckExtension(leaf).fmspc, pckCa: pckCaOf(leaf.issuer) }, amd: null };
}

/** A phrase of the CAs' names (Intel SGX PCK Certificate and CRL Profile Specification §1.3.4), as it stands in a name's DER. */
function pckCaOf(issuer: Hex): PckCa {
  const name = new TextDecoder("latin1").decode(fromHex(issuer));
  if (name.includes("SGX PCK Platform CA")) return "platform";
  if (name.includes("SGX PCK Processor CA")) return "processor";
  throw new EvidenceError({
    code: "EVIDENCE_CHAIN_INVALID",
    message: "the PCK certificate was issued by neither of Intel's PCK CAs",
  });
}
