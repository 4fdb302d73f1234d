/** The endorsements that a piece of evidence needs, by its own account. Nothing here is verified. */

import { fromHex, type Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { parseSnpReport, type SnpReport } from "../amd/snp-report.ts";
import type { NvidiaEvidence } from "../nvidia/nvidia-evidence.ts";
import { readDeviceChain } from "../nvidia/device-chain.ts";
import type { Certificate } from "../x509/certificate.ts";
import { parsePckExtension } from "../intel/pck-certificate.ts";
import { findPckChain } from "../intel/pck-chain.ts";
import type { PckName, Quote } from "../intel/quote.ts";

/** Which of Intel's two CAs issued the PCK certificate: each has its own revocation list. */
export type PckCa = "processor" | "platform";

/** A platform whose quote brings no PCK chain: which model it is, only its PCK certificate says. */
export interface UnnamedPlatformNeed {
  readonly tee: "sgx" | "tdx";
  /** Null where the quote does not name its PCK either. */
  readonly pckName: PckName | null;
}

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

/** Certificates of devices in the order of their chains, with those that should have issued them. */
export interface NvidiaNeed {
  readonly certificates: readonly { readonly certificate: Certificate; readonly issuer: Certificate }[];
}

export interface EndorsementNeeds {
  readonly intel: IntelNeed | UnnamedPlatformNeed | null;
  readonly amd: AmdNeed | null;
  /** What can be asked about devices, which are judged without an answer too. */
  readonly nvidia: NvidiaNeed | null;
}

/** Of evidence that brings its endorsements, or whose endorsements are built in. */
export const NO_NEEDS: EndorsementNeeds = { intel: null, amd: null, nvidia: null };

/** @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_UNSUPPORTED: the report cannot be read */
export function amdNeeds(report: Uint8Array, bringsKey: boolean): EndorsementNeeds {
  return { ...NO_NEEDS, amd: { report: parseSnpReport(new Uint8Array(report)), bringsKey } };
}

/** @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_CHAIN_INVALID: the PCK certificate cannot be read, or is not Intel's */
export function intelNeeds(quote: Quote): EndorsementNeeds {
  const tee = quote.bodyType === "sgx" ? "sgx" : "tdx";
  if (quote.pckChain === null) return { ...NO_NEEDS, intel: { tee, pckName: quote.pckName } };
  return { ...NO_NEEDS, intel: platformNeed(tee, findPckChain(quote, undefined).leaf) };
}

/** @throws as `intelNeeds` */
export function platformNeed(tee: IntelNeed["tee"], leaf: Certificate): IntelNeed {
  return { tee, fmspc: parsePckExtension(leaf).fmspc, pckCa: pckCaOf(leaf.issuer) };
}

/**
 * What to ask NVIDIA: of each device, its certificates but the one that its boot ROM issued and the root's.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_UNSUPPORTED: a chain cannot be read
 */
export function nvidiaNeeds(devices: NvidiaEvidence): EndorsementNeeds {
  const asked = new Map<string, NvidiaNeed["certificates"][number]>();
  for (const { certificateChain } of devices) {
    const chain = readDeviceChain(certificateChain);
    for (const [index, certificate] of chain.entries()) {
      const issuer = chain.find(({ subject }) => subject === certificate.issuer);
      if (index === 0 || issuer === undefined || issuer === certificate) continue;
      asked.set(`${certificate.issuer} ${certificate.serial}`, { certificate, issuer });
    }
  }
  return { ...NO_NEEDS, nvidia: { certificates: [...asked.values()] } };
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
