import { findCertificateEvidence } from "../../attestation/ra-tls/certificate-evidence.ts";
import { parseCertificate } from "../../attestation/x509/certificate.ts";
import type { FoundEvidence } from "../../attestation/evidence-forms.ts";
import type { Endorsements, UnixSeconds } from "../../attestation/index.ts";
import { createFileSource, createSourceOfFiles } from "../../endorsements/files/file-source.ts";
import { createVendorSource } from "../../endorsements/vendor-source.ts";
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
  const hasCompany = found.form === "JSON" || found.form === "PEM";
  return hasCompany ? await createSourceOfFiles([target], "optional").find(evidence, now) : {};
}

function innerEvidence({ kind, bytes }: FoundEvidence): Uint8Array {
  return kind === "certificate" ? findCertificateEvidence(parseCertificate(bytes)).evidence : bytes;
}
