/**
 * Azure vTPM evidence as JSON: an HCL report, a TPM quote with its PCRs, and what endorses the hardware report.
 *
 * Source: github.com/confidential-containers/trustee, deps/verifier az-snp-vtpm and az-tdx-vtpm, versions 0 (arrays of
 * bytes, PEM) and 1 (hex for the quote, base64url for the rest); others wrap it as `{ platform, evidence }`.
 */

import * as z from "zod";
import { fromHex, isHex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { fromBase64Field } from "../encoding/base64-field.ts";
import { toEvidenceInput, type EvidenceBytes } from "../evidence/evidence-input.ts";

export interface AzureEvidence {
  readonly hclReport: Uint8Array;
  readonly tpmQuote: {
    /** TPMS_ATTEST. */
    readonly message: Uint8Array;
    /** RSASSA-PKCS1-v1_5 with SHA-256, raw. */
    readonly signature: Uint8Array<ArrayBuffer>;
    /** The SHA-256 bank, from PCR 0. */
    readonly pcrs: readonly Uint8Array<ArrayBuffer>[];
  };
  /** TDX: the quote that the host's quoting enclave made of the TDREPORT. */
  readonly tdQuote: Uint8Array | null;
  /** SEV-SNP: PEM or DER. */
  readonly vcek: Uint8Array | null;
}

/** Bytes of the longest member: quotes and certificates are under 16 kB. */
const MAX_MEMBER_BYTES = 65_536;
const PCR_COUNT = 24;

const byteArray = z
  .array(z.number().int().min(0).max(255))
  .max(MAX_MEMBER_BYTES)
  .transform((bytes) => Uint8Array.from(bytes));
const text = z.string().max(2 * MAX_MEMBER_BYTES);

const hexBytes = text.transform((value, context) => {
  const hex = `0x${value}`;
  if (isHex(hex)) return fromHex(hex);
  context.addIssue({ code: "custom", message: "expected lower-case hex without a prefix" });
  return z.NEVER;
});

/** Either alphabet of RFC 4648, with or without padding. */
const base64Bytes = text.transform(fromBase64Field);

const pemBytes = text
  .refine((value) => value.includes("-----BEGIN CERTIFICATE-----"))
  .transform((value) => new TextEncoder().encode(value));

const quoteBytes = z.union([byteArray, hexBytes]);
const blobBytes = z.union([byteArray, base64Bytes]);

const tpmQuoteSchema = z.object({
  message: quoteBytes,
  signature: quoteBytes,
  pcrs: z.array(quoteBytes).max(PCR_COUNT),
});

const evidenceSchema = z
  .object({
    hcl_report: blobBytes.optional(),
    report: blobBytes.optional(),
    tpm_quote: tpmQuoteSchema.optional(),
    quote: tpmQuoteSchema.optional(),
    td_quote: blobBytes.optional(),
    vcek: z.union([pemBytes, blobBytes]).optional(),
  })
  .transform((fields, context): AzureEvidence => {
    const hclReport = fields.hcl_report ?? fields.report;
    const tpmQuote = fields.tpm_quote ?? fields.quote;
    if (hclReport === undefined || tpmQuote === undefined) {
      context.addIssue({ code: "custom", message: "expected an HCL report and a TPM quote" });
      return z.NEVER;
    }
    return { hclReport, tpmQuote, tdQuote: fields.td_quote ?? null, vcek: fields.vcek ?? null };
  });

const wrappedSchema = z.object({ evidence: evidenceSchema }).transform(({ evidence }) => evidence);
const schema = z.union([evidenceSchema, wrappedSchema]);

/**
 * Which hardware report these bytes wrap, where they are JSON of this shape; undefined where they are not. Throws
 * nothing.
 */
export function recogniseAzureEvidence(evidence: EvidenceBytes): "snp" | "tdx" | undefined {
  const shape = schema.safeParse(toEvidenceInput(evidence).json);
  if (!shape.success) return undefined;
  return shape.data.tdQuote === null ? "snp" : "tdx";
}

/** @throws {EvidenceError} EVIDENCE_MALFORMED */
export function parseAzureEvidence(evidence: EvidenceBytes): AzureEvidence {
  const shape = schema.safeParse(toEvidenceInput(evidence).requireJson());
  if (!shape.success) {
    throw new EvidenceError({
      code: "EVIDENCE_MALFORMED",
      message: "this is not Azure vTPM evidence: an HCL report and a TPM quote",
      cause: shape.error,
    });
  }
  return shape.data;
}
