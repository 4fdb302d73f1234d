/**
 * What evidence claims, before anything of it is verified: for showing what a file says when it cannot be judged, and for
 * looking into one. Whoever relies on a claim takes it from `VerifiedEvidence`.
 */

import { toHex } from "../../protocol/bytes.ts";
import { AdytonError } from "../../protocol/errors.ts";
import { toSnpClaims } from "../amd/claims.ts";
import { isCpuidOf, type SnpProductLine } from "../amd/product.ts";
import { parseSnpReport, type SnpReport } from "../amd/snp-report.ts";
import { toNitroClaims, toNitroTpmClaims } from "../aws/claims.ts";
import { parseNitroDocument } from "../aws/nitro-document.ts";
import type { AzureEvidence } from "../azure/azure-evidence.ts";
import { parseHclReport, parseRuntimeClaims } from "../azure/hcl-report.ts";
import { parseTpmQuote } from "../azure/tpm-quote.ts";
import { verifyDstackAppInfo } from "../dstack/app-info.ts";
import type { DstackAttestation } from "../dstack/attestation.ts";
import { eventsOf } from "../dstack/dstack-evidence.ts";
import { readField } from "../encoding/layout.ts";
import { parsePckExtension } from "../intel/pck-certificate.ts";
import { findPckChain } from "../intel/pck-chain.ts";
import { parseQuote, type Quote } from "../intel/quote.ts";
import { SGX_REPORT_BODY, TD_REPORT_BODY } from "../intel/quote-layout.ts";
import { toSgxClaims } from "../intel/verify-sgx.ts";
import { toTdxClaims } from "../intel/verify-tdx.ts";
import { toNvidiaDeviceClaims } from "../nvidia/claims.ts";
import type { NvidiaEvidence } from "../nvidia/nvidia-evidence.ts";
import { parseOpaqueData } from "../nvidia/opaque-data.ts";
import { parseSpdmMeasurements } from "../nvidia/spdm-measurements.ts";
import { parseCertificate } from "../x509/certificate.ts";
import { fromBase64, splitPem } from "../x509/pem.ts";

/** In the vendor's names, as in `ClaimsByKind`; what cannot be read is left out. */
export type UnverifiedClaims = Readonly<Record<string, unknown>>;

export function readQuoteClaims(quote: Quote): UnverifiedClaims {
  const isSgx = quote.bodyType === "sgx";
  const body = isSgx ? toSgxClaims(quote, {}) : toTdxClaims(quote, {});
  const field = isSgx ? SGX_REPORT_BODY.reportData : TD_REPORT_BODY.reportData;
  const platform = attempt(() => {
    const { leaf } = findPckChain(quote, undefined);
    const { fmspc, pceId, ppid, cpuSvn, pceSvn } = parsePckExtension(leaf);
    return { fmspc, pceId, ppid, cpuSvn, pceSvn };
  });
  return { ...body, ...platform, reportData: toHex(readField(quote.body, field)) };
}

const PRODUCTS: readonly SnpProductLine[] = ["Milan", "Genoa", "Turin"];

/** TCBs are laid out by product, which reports of version 2 do not name: then they are left out. */
export function readSnpClaims(report: SnpReport): UnverifiedClaims {
  const { cpuid } = report;
  const product = cpuid === null ? undefined : PRODUCTS.find((line) => isCpuidOf(line, cpuid));
  const claims = toSnpClaims(report, { productLine: product ?? "Milan", cspId: null }, "not-checked");
  const byProduct = ["product", "currentTcb", "reportedTcb", "committedTcb", "launchTcb"];
  const unknown = ["cspId", "revocation", ...(product === undefined ? byProduct : [])];
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !unknown.includes(name)));
}

export function readNitroClaims(document: Uint8Array): UnverifiedClaims {
  const parsed = parseNitroDocument(document);
  return { ...(parsed.device === "enclave" ? toNitroClaims(parsed) : toNitroTpmClaims(parsed)) };
}

export function readNvidiaClaims(devices: NvidiaEvidence): UnverifiedClaims {
  const nonces: string[] = [];
  const read = devices.map(({ evidence, certificateChain }) => {
    const spdm = parseSpdmMeasurements(evidence);
    const [leaf, issuer] = splitPem(new TextDecoder("latin1").decode(certificateChain), "CERTIFICATE")
      .slice(0, 2)
      .map((body) => parseCertificate(fromBase64(body)));
    nonces.push(toHex(spdm.requestNonce));
    const identity = { hardwareModel: issuer?.label ?? "unknown", ueid: leaf?.serial ?? "0x" } as const;
    return toNvidiaDeviceClaims(spdm, parseOpaqueData(spdm.opaqueData), identity);
  });
  return { nonce: nonces[0] ?? null, devices: read };
}

export function readAzureClaims({ hclReport, tpmQuote, tdQuote }: AzureEvidence): UnverifiedClaims {
  const hcl = parseHclReport(hclReport);
  const hardware = attempt(() =>
    tdQuote === null
      ? readSnpClaims(parseSnpReport(hcl.hardwareReport))
      : readQuoteClaims(parseQuote(new Uint8Array(tdQuote))),
  );
  const runtime = attempt(() => {
    const { userData, secureBoot, vmUniqueId } = parseRuntimeClaims(hcl.runtimeClaims);
    return { userData, secureBoot, vmUniqueId };
  });
  const quote = attempt(() => ({ extraData: toHex(parseTpmQuote(tpmQuote.message).extraData) }));
  const pcrs = Object.fromEntries(tpmQuote.pcrs.map((value, index) => [String(index), toHex(value)]));
  return { hardware, vtpm: { pcrs, ...quote, ...runtime } };
}

export function readDstackClaims(attestation: DstackAttestation): UnverifiedClaims {
  const { platform } = attestation;
  switch (platform.kind) {
    case "tdx": {
      const td = parseQuote(platform.quote);
      const rtmr3 = readField(td.body, TD_REPORT_BODY.rtMr3);
      const app = attempt(() => ({ ...verifyDstackAppInfo(eventsOf(attestation), rtmr3) }));
      return { hardware: readQuoteClaims(td), app };
    }
    case "snp":
      return { hardware: readSnpClaims(parseSnpReport(platform.report)) };
    case "nitro":
    case "nitroTpm":
      return { hardware: readNitroClaims(platform.document) };
  }
}

/** A part that cannot be read hides nothing of the others. */
function attempt(read: () => UnverifiedClaims): UnverifiedClaims {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AdytonError)) throw error;
    return {};
  }
}
