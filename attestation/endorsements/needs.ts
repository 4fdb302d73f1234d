/** What a piece of evidence must be judged with, by what it says of itself. Nothing here is verified. */

import { fromHex, type Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { parseSnpReport, type SnpReport } from "../amd/snp-report.ts";
import { parsePckExtension } from "../intel/pck-certificate.ts";
import { parsePckChain } from "../intel/pck-chain.ts";
import type { Quote } from "../intel/quote.ts";

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

/** Of evidence that brings its endorsements, or whose endorsements are built in. */
export const NO_NEEDS: EndorsementNeeds = { intel: null, amd: null };

/** @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_UNSUPPORTED: the report cannot be read */
export function amdNeeds(report: Uint8Array, bringsKey: boolean): EndorsementNeeds {
  return { intel: null, amd: { report: parseSnpReport(new Uint8Array(report)), bringsKey } };
}

const NO_CERTIFICATES = { certificates: new Map<string, never>() };

/** @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_CHAIN_INVALID: the PCK certificate cannot be read, or is not Intel's */
export function intelNeeds({ bodyType, pckChain }: Quote): EndorsementNeeds {
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
