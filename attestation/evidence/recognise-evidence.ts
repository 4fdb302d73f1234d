/** Which kind of evidence is this? Every kind's marks, parser, needs and verifier: bytes are recognised once and parsed once. */

import { EvidenceError } from "../../protocol/errors.ts";
import { isSnpEvidence, parseSnpEvidence, type SnpEvidence } from "../amd/snp-evidence.ts";
import { parseSnpReport } from "../amd/snp-report.ts";
import { verifySnpEvidence } from "../amd/verify-snp-evidence.ts";
import { recogniseNitroDocument } from "../aws/nitro-document.ts";
import { verifyNitroDocument, verifyNitroTpmDocument } from "../aws/verify-nitro-document.ts";
import { parseAzureEvidence, recogniseAzureEvidence, type AzureEvidence } from "../azure/azure-evidence.ts";
import { parseHclReport } from "../azure/hcl-report.ts";
import { verifyAzureSnpEvidence, verifyAzureTdxEvidence } from "../azure/verify-azure-evidence.ts";
import type { DstackAttestation } from "../dstack/attestation.ts";
import { parseDstackEvidence, recogniseDstackEvidence } from "../dstack/dstack-evidence.ts";
import {
  verifyDstackEvidence,
  verifyDstackNitroEvidence,
  verifyDstackNitroTpmEvidence,
  verifyDstackSnpEvidence,
} from "../dstack/verify-dstack-evidence.ts";
import type { Endorsements } from "../endorsements/endorsements.ts";
import { amdNeeds, intelNeeds, NO_NEEDS, nvidiaNeeds, type EndorsementNeeds } from "../endorsements/needs.ts";
import { parseQuote, type Quote } from "../intel/quote.ts";
import { recogniseQuote } from "../intel/recognise-quote.ts";
import { verifySgxQuote } from "../intel/verify-sgx.ts";
import { verifyTdxQuote } from "../intel/verify-tdx.ts";
import { isNvidiaEvidence, parseNvidiaEvidence, type NvidiaEvidence } from "../nvidia/nvidia-evidence.ts";
import { verifyNvidiaEvidence } from "../nvidia/verify-nvidia-evidence.ts";
import { verifySimulatorEvidence } from "../simulator/verify-simulator.ts";
import type { UnixSeconds } from "../time/unix-time.ts";
import { keepChecks } from "./check-list.ts";
import { EvidenceInput } from "./evidence-input.ts";
import {
  readAzureClaims,
  readDstackClaims,
  readNitroClaims,
  readNvidiaClaims,
  readQuoteClaims,
  readSnpClaims,
  type UnverifiedClaims,
} from "./read-claims.ts";
import type { EvidenceKind, VerifiedEvidence } from "./verified-evidence.ts";

export interface VerifyOptions {
  /** When the evidence is judged: seconds, not milliseconds. Nothing in this folder reads a clock. */
  readonly now: UnixSeconds;
}

/** Evidence that bears the marks of a kind. Nothing in it is established before `verify` returns. */
export interface RecognisedEvidence {
  readonly kind: EvidenceKind;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Members of a JSON object that this evidence consists of; others may be evidence of their own. */
  readonly members: readonly string[];
  /** @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_UNSUPPORTED: it cannot be read that far */
  readonly needs: () => EndorsementNeeds;
  /** What it says, unverified. @throws as `needs` */
  readonly claims: () => UnverifiedClaims;
  /** @throws {EvidenceError | EndorsementError | InputError} as `verifyEvidence` */
  readonly verify: (endorsements: Endorsements, options: VerifyOptions) => Promise<VerifiedEvidence>;
}

interface Reader<Parsed> {
  /** Decides by the format's own marks and throws nothing; whether the rest fits is for `parse` to say. */
  readonly recognises: (input: EvidenceInput) => boolean;
  readonly parse: (input: EvidenceInput) => Parsed;
  readonly needs: (parsed: Parsed) => EndorsementNeeds;
  readonly claims: (parsed: Parsed) => UnverifiedClaims;
  readonly verify: (
    parsed: Parsed,
    endorsements: Endorsements,
    options: VerifyOptions,
  ) => Promise<VerifiedEvidence>;
  readonly members?: readonly string[];
}

const toBytes = ({ bytes }: EvidenceInput): Uint8Array<ArrayBuffer> => bytes;

const AZURE_MEMBERS = ["evidence", "hcl_report", "report", "tpm_quote", "quote", "td_quote", "vcek"];

/** One form on several platforms. */
function dstackReader(kind: EvidenceKind): Omit<Reader<DstackAttestation>, "verify"> {
  return {
    recognises: (input) => recogniseDstackEvidence(input) === kind,
    parse: parseDstackEvidence,
    needs: ({ platform }) => {
      if (platform.kind === "tdx") return intelNeeds(parseQuote(platform.quote));
      if (platform.kind !== "snp") return NO_NEEDS;
      return amdNeeds(platform.report, platform.certificates.length > 0);
    },
    claims: readDstackClaims,
    members: ["quote", "intel_quote", "event_log", "attestation"],
  };
}

const readers = {
  sgx: {
    recognises: ({ bytes }) => recogniseQuote(bytes) === "sgx",
    parse: ({ bytes }) => parseQuote(bytes),
    needs: intelNeeds,
    claims: readQuoteClaims,
    verify: async (quote, { intel }, options) => await verifySgxQuote(quote, intel, options),
  } satisfies Reader<Quote>,
  tdx: {
    recognises: ({ bytes }) => recogniseQuote(bytes) === "tdx",
    parse: ({ bytes }) => parseQuote(bytes),
    needs: intelNeeds,
    claims: readQuoteClaims,
    verify: async (quote, { intel }, options) => await verifyTdxQuote(quote, intel, options),
  } satisfies Reader<Quote>,
  snp: {
    recognises: isSnpEvidence,
    parse: parseSnpEvidence,
    needs: ({ report, certificateTable, certificates }) =>
      amdNeeds(report, certificateTable !== null || certificates.length > 0),
    claims: ({ report }) => readSnpClaims(parseSnpReport(new Uint8Array(report))),
    verify: async (parsed, { amd }, options) => await verifySnpEvidence(parsed, amd, options),
    members: ["attestation_report", "cert_chain", "outblob", "auxblob", "provider"],
  } satisfies Reader<SnpEvidence>,
  nitro: {
    recognises: ({ bytes }) => recogniseNitroDocument(bytes) === "enclave",
    parse: toBytes,
    needs: () => NO_NEEDS,
    claims: readNitroClaims,
    verify: async (document, _, options) => await verifyNitroDocument(document, options),
  } satisfies Reader<Uint8Array>,
  nitroTpm: {
    recognises: ({ bytes }) => recogniseNitroDocument(bytes) === "nitroTpm",
    parse: toBytes,
    needs: () => NO_NEEDS,
    claims: readNitroClaims,
    verify: async (document, _, options) => await verifyNitroTpmDocument(document, options),
  } satisfies Reader<Uint8Array>,
  azureSnp: {
    recognises: (input) => recogniseAzureEvidence(input) === "snp",
    parse: parseAzureEvidence,
    needs: ({ hclReport, vcek }) => amdNeeds(parseHclReport(hclReport).hardwareReport, vcek !== null),
    claims: readAzureClaims,
    verify: async (parsed, { amd }, options) => await verifyAzureSnpEvidence(parsed, amd, options),
    members: AZURE_MEMBERS,
  } satisfies Reader<AzureEvidence>,
  azureTdx: {
    recognises: (input) => recogniseAzureEvidence(input) === "tdx",
    parse: parseAzureEvidence,
    needs: ({ tdQuote }) => intelNeeds(parseQuote(new Uint8Array(tdQuote ?? []))),
    claims: readAzureClaims,
    verify: async (parsed, { intel }, options) => await verifyAzureTdxEvidence(parsed, intel, options),
    members: AZURE_MEMBERS,
  } satisfies Reader<AzureEvidence>,
  dstack: {
    ...dstackReader("dstack"),
    verify: async (parsed, { intel }, options) => await verifyDstackEvidence(parsed, intel, options),
  } satisfies Reader<DstackAttestation>,
  dstackSnp: {
    ...dstackReader("dstackSnp"),
    verify: async (parsed, { amd }, options) => await verifyDstackSnpEvidence(parsed, amd, options),
  } satisfies Reader<DstackAttestation>,
  dstackNitro: {
    ...dstackReader("dstackNitro"),
    verify: async (parsed, _, options) => await verifyDstackNitroEvidence(parsed, options),
  } satisfies Reader<DstackAttestation>,
  dstackNitroTpm: {
    ...dstackReader("dstackNitroTpm"),
    verify: async (parsed, _, options) => await verifyDstackNitroTpmEvidence(parsed, options),
  } satisfies Reader<DstackAttestation>,
  nvidia: {
    recognises: isNvidiaEvidence,
    parse: parseNvidiaEvidence,
    needs: nvidiaNeeds,
    claims: readNvidiaClaims,
    verify: async (parsed, { nvidia }, options) =>
      await verifyNvidiaEvidence(parsed, { ...options, endorsements: nvidia }),
    members: ["evidence", "certificate"],
  } satisfies Reader<NvidiaEvidence>,
  simulator: {
    recognises: ({ bytes }) => recogniseQuote(bytes) === "simulator",
    parse: ({ bytes }) => parseQuote(bytes),
    needs: () => NO_NEEDS,
    claims: readQuoteClaims,
    verify: async (quote, _, options) => await verifySimulatorEvidence(quote, options),
  } satisfies Reader<Quote>,
};

/** Every kind, in the order in which they are tried. Only a reader's own `needs` and `verify` get what it parsed. */
const READERS = Object.entries(readers) as unknown as readonly (readonly [EvidenceKind, Reader<unknown>])[];

/** Members of a JSON document are tried as the kinds that are JSON themselves. */
const JSON_READERS = READERS.filter(([, { members }]) => members !== undefined);

/** The evidence that `input` bears the marks of; undefined where it is of no known kind. Throws nothing. */
export function tryOpenEvidence(input: EvidenceInput): RecognisedEvidence | undefined {
  const candidates = input.isMember ? JSON_READERS : READERS;
  const [kind, reader] = candidates.find(([, { recognises }]) => recognises(input)) ?? [];
  if (kind === undefined || reader === undefined) return undefined;
  let parsed: { readonly value: unknown } | undefined;
  const parse = (): unknown => {
    parsed ??= { value: reader.parse(input) };
    return parsed.value;
  };
  return {
    kind,
    get bytes() {
      return input.bytes;
    },
    members: reader.members ?? [],
    needs: () => reader.needs(parse()),
    claims: () => reader.claims(parse()),
    verify: async (endorsements, options) => {
      const verified = await reader.verify(parse(), endorsements, options);
      checkNotRevoked(verified);
      return verified;
    },
  };
}

/**
 * The evidence that `bytes` bear the marks of, from a copy of them: for asking what it needs, and then verifying it.
 *
 * @throws {EvidenceError} EVIDENCE_UNSUPPORTED
 */
export function openEvidence(bytes: Uint8Array): RecognisedEvidence {
  const opened = tryOpenEvidence(new EvidenceInput(bytes));
  if (opened === undefined) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "not recognised as evidence of any kind",
      details: { length: bytes.length },
    });
  }
  return opened;
}

/**
 * Says which kind of evidence this claims to be, by the marks of its format.
 *
 * @throws {EvidenceError} EVIDENCE_UNSUPPORTED
 */
export function recogniseEvidence(bytes: Uint8Array): EvidenceKind {
  return openEvidence(bytes).kind;
}

/**
 * Refuses a platform whose TCB level the vendor revoked: what it signs proves nothing, and no policy can accept it.
 *
 * @throws {EvidenceError} EVIDENCE_REVOKED
 */
export function checkNotRevoked({ tcbStatus, advisories, checks }: VerifiedEvidence): void {
  if (tcbStatus !== "Revoked") return;
  const error = new EvidenceError({
    code: "EVIDENCE_REVOKED",
    message: "the vendor has revoked this platform's TCB level: what it signs proves nothing",
    details: { tcbStatus, advisories: advisories.join(", ") },
  });
  keepChecks(error, [...checks, { name: "platform", link: "hardware", ok: false, error }]);
  throw error;
}
