/** What a piece of evidence must be judged with, by what it says of itself. Nothing here is verified. */

import { recogniseSnpReport } from "../attestation/amd/recognise-report.ts";
import { parseSnpReport, type SnpReport } from "../attestation/amd/snp-report.ts";
import { parsePckExtension } from "../attestation/intel/pck-certificate.ts";
import { parsePckChain } from "../attestation/intel/pck-chain.ts";
import { parseQuote } from "../attestation/intel/quote.ts";
import { recogniseQuote } from "../attestation/intel/recognise-quote.ts";
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

export interface EndorsementNeeds {
  readonly intel: IntelNeed | null;
  readonly amd: SnpReport | null;
}

/** @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_UNSUPPORTED: it cannot be read that far */
export function endorsementNeeds(evidence: Uint8Array): EndorsementNeeds {
  const kind = recogniseQuote(evidence);
  if (kind === "sgx" || kind === "tdx") return { intel: intelNeed(evidence, kind), amd: null };
  const isReport = kind === null && recogniseSnpReport(evidence);
  return { intel: null, amd: isReport ? parseSnpReport(evidence) : null };
}

const NO_CERTIFICATES = { certificates: new Map<string, never>() };

function intelNeed(evidence: Uint8Array, tee: "sgx" | "tdx"): IntelNeed {
  const { pckChain } = parseQuote(new Uint8Array(evidence));
  const { leaf } = parsePckChain(pckChain, NO_CERTIFICATES);
  return { tee, fmspc: parsePckExtension(leaf).fmspc, pckCa: pckCaOf(leaf.issuer) };
}

/** The CAs' names in Intel SGX PCK Certificate and CRL Profile Specification §1.3.4, as they stand in a name's DER. */
function pckCaOf(issuer: Hex): PckCa {
  const name = new TextDecoder("latin1").decode(fromHex(issuer));
  if (name.includes("Intel SGX PCK Platform CA")) return "platform";
  if (name.includes("Intel SGX PCK Processor CA")) return "processor";
  throw new EvidenceError({
    code: "EVIDENCE_CHAIN_INVALID",
    message: "the PCK certificate was issued by neither of Intel's PCK CAs",
  });
}
