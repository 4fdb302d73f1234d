import { EvidenceError } from "../../protocol/errors.ts";
import { isSnpEvidence } from "../amd/snp-evidence.ts";
import { verifySnpEvidence } from "../amd/verify-snp-evidence.ts";
import { isCoseSign1 } from "../aws/cose-sign1.ts";
import { recogniseAzureEvidence } from "../azure/azure-evidence.ts";
import { verifyAzureSnpEvidence, verifyAzureTdxEvidence } from "../azure/verify-azure-evidence.ts";
import { isDstackEvidence } from "../dstack/dstack-evidence.ts";
import { verifyDstackEvidence } from "../dstack/verify-dstack-evidence.ts";
import { requireEndorsements, type Endorsements } from "../endorsements/endorsements.ts";
import { verifyNitroDocument } from "../aws/verify-nitro-document.ts";
import { recogniseQuote } from "../intel/recognise-quote.ts";
import { verifySgxQuote } from "../intel/verify-sgx.ts";
import { verifyTdxQuote } from "../intel/verify-tdx.ts";
import { isNvidiaEvidence } from "../nvidia/nvidia-evidence.ts";
import { verifyNvidiaEvidence } from "../nvidia/verify-nvidia-evidence.ts";
import { verifySimulatorEvidence } from "../simulator/verify-simulator.ts";
import type { UnixSeconds } from "../time/unix-time.ts";
import type { EvidenceKind, VerifiedEvidence } from "./verified-evidence.ts";

export interface VerifyOptions {
  /** When the evidence is judged: seconds, not milliseconds. Nothing in this folder reads a clock. */
  readonly now: UnixSeconds;
}

interface Verifier<Kind extends EvidenceKind> {
  /** Decides by the format's own marks and throws nothing; whether the rest fits is for `verify` to say. */
  readonly recognises: (evidence: Uint8Array) => boolean;
  readonly verify: (
    evidence: Uint8Array,
    endorsements: Endorsements,
    options: VerifyOptions,
  ) => Promise<VerifiedEvidence<Kind>>;
}

/** Every kind, in the order in which they are tried. */
const VERIFIERS: { readonly [Kind in EvidenceKind]: Verifier<Kind> } = {
  sgx: {
    recognises: (evidence) => recogniseQuote(evidence) === "sgx",
    verify: async (evidence, { intel }, options) =>
      await verifySgxQuote(evidence, requireEndorsements(intel, "Intel collateral"), options),
  },
  tdx: {
    recognises: (evidence) => recogniseQuote(evidence) === "tdx",
    verify: async (evidence, { intel }, options) =>
      await verifyTdxQuote(evidence, requireEndorsements(intel, "Intel collateral"), options),
  },
  snp: {
    recognises: isSnpEvidence,
    verify: async (evidence, { amd }, options) => await verifySnpEvidence(evidence, amd, options),
  },
  nitro: {
    recognises: isCoseSign1,
    verify: async (evidence, _, options) => await verifyNitroDocument(evidence, options),
  },
  azureSnp: {
    recognises: (evidence) => recogniseAzureEvidence(evidence) === "snp",
    verify: async (evidence, { amd }, options) => await verifyAzureSnpEvidence(evidence, amd, options),
  },
  azureTdx: {
    recognises: (evidence) => recogniseAzureEvidence(evidence) === "tdx",
    verify: async (evidence, { intel }, options) =>
      await verifyAzureTdxEvidence(evidence, requireEndorsements(intel, "Intel collateral"), options),
  },
  dstack: {
    recognises: isDstackEvidence,
    verify: async (evidence, { intel }, options) =>
      await verifyDstackEvidence(evidence, requireEndorsements(intel, "Intel collateral"), options),
  },
  nvidia: {
    recognises: isNvidiaEvidence,
    verify: async (evidence, _, options) => await verifyNvidiaEvidence(evidence, options),
  },
  simulator: {
    recognises: (evidence) => recogniseQuote(evidence) === "simulator",
    verify: async (evidence, _, options) => await verifySimulatorEvidence(evidence, options),
  },
};

/**
 * Says which kind of evidence this claims to be, by the marks of its format.
 *
 * @throws {EvidenceError} EVIDENCE_UNSUPPORTED
 */
export function recogniseEvidence(evidence: Uint8Array): EvidenceKind {
  const kinds = Object.keys(VERIFIERS) as EvidenceKind[];
  const kind = kinds.find((candidate) => VERIFIERS[candidate].recognises(evidence));
  if (kind === undefined) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "not recognised as evidence of any kind",
      details: { length: evidence.length },
    });
  }
  return kind;
}

/**
 * Verifies evidence of any kind.
 *
 * Establishes: the vendor's hardware made it, by signatures up to a pinned root, in date at `now`.
 * Leaves to the caller: whether its claims are acceptable (`appraiseEvidence`), and that its report data is what was
 * asked for. Anyone can own genuine hardware.
 *
 * @throws {EvidenceError} it is not genuine, or of no known kind
 * @throws {EndorsementError} it cannot be judged with these endorsements at `now`
 * @throws {InputError} `now` is not a time in seconds
 */
export async function verifyEvidence(
  evidence: Uint8Array,
  endorsements: Endorsements,
  options: VerifyOptions,
): Promise<VerifiedEvidence> {
  return await VERIFIERS[recogniseEvidence(evidence)].verify(evidence, endorsements, options);
}
