import { findCertificateEvidence } from "../../attestation/ra-tls/certificate-evidence.ts";
import { parseCertificate } from "../../attestation/x509/certificate.ts";
import type { FoundEvidence } from "../../attestation/evidence/find-evidence.ts";
import type { Endorsements, RecognisedEvidence, UnixSeconds } from "../../attestation/index.ts";
import { createFileSource, createSourceOfFiles } from "../../endorsements/files/file-source.ts";
import { needsOf } from "../../endorsements/endorsement-source.ts";
import { createVendorSource } from "../../endorsements/vendor-source.ts";
import { EndorsementError } from "../../protocol/errors.ts";
import type { EvidenceOptions } from "./evidence-options.ts";
import type { EvidenceTarget } from "./evidence-target.ts";

/**
 * What to judge with: the files that were named, the vendors when asked to, or what stands beside the evidence in its
 * own document. Nothing is fetched unasked: a verifier that works without a network says so by working.
 *
 * @throws {EndorsementError | EvidenceError | InputError}
 */
export async function findEndorsements(
  target: EvidenceTarget,
  found: FoundEvidence,
  { options, now }: { readonly options: EvidenceOptions; readonly now: UnixSeconds },
): Promise<Endorsements> {
  const evidence = innerEvidence(found);
  if (options.endorsements !== undefined) {
    return await (await createFileSource(options.endorsements)).find(evidence, now);
  }
  if (options.online !== undefined && options.online !== false) {
    const source = createVendorSource(typeof options.online === "string" ? { intelUrl: options.online } : {});
    return await source.find(evidence, now);
  }
  return await findBeside(target, evidence, now);
}

/**
 * Endorsements in the document that the evidence came in. That there are none is for the verifier to say, which knows
 * whether it can do without: some evidence brings its own in a form of its kind.
 */
async function findBeside(
  target: EvidenceTarget,
  evidence: Uint8Array | RecognisedEvidence,
  now: UnixSeconds,
): Promise<Endorsements> {
  const needs = needsOf(evidence);
  if ((needs.intel === null && needs.amd === null) || !isText(target.bytes)) return {};
  try {
    return await createSourceOfFiles([target]).find(evidence, now);
  } catch (error) {
    if (error instanceof EndorsementError && error.code === "ENDORSEMENT_UNAVAILABLE") return {};
    throw error;
  }
}

/** JSON or PEM: what may hold more than the evidence. */
function isText([first]: Uint8Array): boolean {
  return first !== undefined && ["{", "[", "-"].includes(String.fromCharCode(first));
}

function innerEvidence({ evidence, bytes }: FoundEvidence): Uint8Array | RecognisedEvidence {
  return evidence ?? findCertificateEvidence(parseCertificate(bytes)).evidence;
}
