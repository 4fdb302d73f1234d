/**
 * AMD's Key Distribution Service: the certificate of a chip's key at a TCB, the CAs above it, and their revocation list.
 *
 * Source: AMD 57230 (VCEK Certificate and KDS Interface Specification), the HTTP interface.
 */

import { parseAmdEndorsements, type AmdEndorsements } from "../attestation/amd/amd-endorsements.ts";
import { mergeAmdEndorsements } from "../attestation/amd/merge-endorsements.ts";
import { isCpuidOf, type SnpProductLine } from "../attestation/amd/product.ts";
import type { SnpReport } from "../attestation/amd/snp-report.ts";
import type { AmdNeed } from "../attestation/endorsements/needs.ts";
import { toSnpTcb } from "../attestation/amd/tcb-version.ts";
import { isAllZero } from "../attestation/encoding/layout.ts";
import type { UnixSeconds } from "../attestation/time/unix-time.ts";
import { toHex } from "../protocol/bytes.ts";
import { EndorsementError } from "../protocol/errors.ts";
import { DocumentCache, type Dated } from "./document-cache.ts";
import { fetchDocument, type HttpOptions } from "./http-document.ts";

export const AMD_KDS_URL = "https://kdsintf.amd.com";

export interface AmdKdsOptions extends HttpOptions {
  /** Base URL: AMD's own, or a cache of it. */
  readonly url: string;
}

export interface AmdKds {
  /** @throws {EndorsementError} ENDORSEMENT_UNAVAILABLE, ENDORSEMENT_MALFORMED */
  readonly find: (need: AmdNeed, now: UnixSeconds) => Promise<AmdEndorsements>;
}

const PRODUCT_LINES: readonly SnpProductLine[] = ["Milan", "Genoa", "Turin"];

export function createAmdKds({ url, ...http }: AmdKdsOptions): AmdKds {
  const base = url.replace(/\/+$/, "");
  const keys = new DocumentCache<AmdEndorsements>();
  const authorities = new DocumentCache<AmdEndorsements>();

  const findKey = async (
    report: SnpReport,
    line: SnpProductLine,
    now: UnixSeconds,
  ): Promise<AmdEndorsements> => {
    const keyUrl = `${base}/vcek/v1/${line}/${vcekPath(report, line)}`;
    return await keys.get(keyUrl, now, async () => await fetchKey(keyUrl, http));
  };
  const findAuthorities = async (
    report: SnpReport,
    line: SnpProductLine,
    now: UnixSeconds,
  ): Promise<AmdEndorsements> => {
    const lineUrl = `${base}/${report.signingKey.toLowerCase()}/v1/${line}`;
    return await authorities.get(lineUrl, now, async () => await fetchAuthorities(lineUrl, http));
  };

  return {
    find: async ({ report, bringsKey }, now) => {
      const lines = linesOf(report);
      if (bringsKey) {
        const all = await Promise.all(lines.map(async (line) => await findAuthorities(report, line, now)));
        return mergeAmdEndorsements(...all);
      }
      checkFetchable(report);
      return await firstKnown(lines, async (line) => {
        const [key, above] = await Promise.all([
          findKey(report, line, now),
          findAuthorities(report, line, now),
        ]);
        return mergeAmdEndorsements(key, above);
      });
    },
  };
}

function checkFetchable(report: SnpReport): void {
  const why =
    report.signingKey === "VLEK"
      ? "the report is signed by a VLEK, whose certificate AMD gives to the cloud provider only: ask there"
      : isAllZero(report.chipId)
        ? "the host masks CHIP_ID, by which AMD would find the certificate: ask the host"
        : undefined;
  if (why !== undefined) throw new EndorsementError({ code: "ENDORSEMENT_UNAVAILABLE", message: why });
}

/** By CPUID since report version 3; older firmware ran on Milan and Genoa, and only AMD knows on which. */
function linesOf({ cpuid }: SnpReport): readonly SnpProductLine[] {
  return cpuid === null ? ["Milan", "Genoa"] : PRODUCT_LINES.filter((line) => isCpuidOf(line, cpuid));
}

const NOT_FOUND = 404;

/** KDS answers 404 for a chip that is not of the line; anything else is a failure and no answer. */
async function firstKnown(
  lines: readonly SnpProductLine[],
  find: (line: SnpProductLine) => Promise<AmdEndorsements>,
): Promise<AmdEndorsements> {
  const unknown: unknown[] = [];
  for (const line of lines) {
    try {
      return await find(line);
    } catch (error) {
      if (!(error instanceof EndorsementError) || error.details["status"] !== NOT_FOUND) throw error;
      unknown.push(error);
    }
  }
  throw new EndorsementError({
    code: "ENDORSEMENT_UNAVAILABLE",
    message: "AMD knows no such chip at this TCB",
    details: { productLines: lines.join(" ") },
    cause: unknown[0],
  });
}

/** §4.1: the chip and the TCB that its key was derived for. */
function vcekPath(report: SnpReport, line: SnpProductLine): string {
  const tcb = toSnpTcb(report.reportedTcb, line);
  const chip = line === "Turin" ? report.chipId.subarray(0, 8) : report.chipId;
  const levels = [
    ...(tcb.fmc === null ? [] : [`fmcSPL=${tcb.fmc}`]),
    `blSPL=${tcb.bootLoader}`,
    `teeSPL=${tcb.tee}`,
    `snpSPL=${tcb.snp}`,
    `ucodeSPL=${tcb.microcode}`,
  ];
  return `${toHex(chip).slice(2)}?${levels.join("&")}`;
}

async function fetchKey(url: string, http: HttpOptions): Promise<Dated<AmdEndorsements>> {
  const { bytes } = await fetchDocument(url, http);
  const value = parseAmdEndorsements({ certificates: [bytes], crls: [] });
  return { value, until: Math.min(...value.certificates.map(({ notAfter }) => notAfter)) };
}

async function fetchAuthorities(base: string, http: HttpOptions): Promise<Dated<AmdEndorsements>> {
  const [chain, crl] = await Promise.all([
    fetchDocument(`${base}/cert_chain`, http),
    fetchDocument(`${base}/crl`, http),
  ]);
  const value = parseAmdEndorsements({ certificates: [chain.bytes], crls: [crl.bytes] });
  return { value, until: Math.min(...value.crls.map(({ nextUpdate }) => nextUpdate)) };
}
