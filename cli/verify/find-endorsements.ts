import { needsOf, type EndorsementSource } from "../../endorsements/endorsement-source.ts";
import { findCertificateEvidence } from "../../attestation/ra-tls/certificate-evidence.ts";
import { parseCertificate } from "../../attestation/x509/certificate.ts";
import type {
  FoundEvidence,
  JudgeOptions,
  RecognisedEvidence,
  UnixSeconds,
} from "../../attestation/index.ts";
import { createFileSource, createSourceOfFiles } from "../../endorsements/files/file-source.ts";
import { createVendorSource } from "../../endorsements/vendor-source.ts";
import { EndorsementError } from "../../protocol/errors.ts";
import type { EvidenceOptions } from "./evidence-options.ts";
import type { EvidenceTarget } from "./evidence-target.ts";

interface FinderContext {
  readonly options: Pick<EvidenceOptions, "endorsements" | "online">;
  readonly now: UnixSeconds;
}

/**
 * What to judge a piece with: the files that were named, the vendors when asked to, or what stands beside the evidence in its
 * own document. Nothing is fetched unasked: a verifier that works without a network says so by working.
 *
 * @throws {InputError} when the files that were named cannot be read
 */
export async function createEndorsementFinder(
  target: EvidenceTarget,
  { options, now }: FinderContext,
): Promise<JudgeOptions["findEndorsements"]> {
  const source = await chosenSource(options);
  if (source !== null) {
    return async (piece) => await (await source()).find(innerEvidence(piece), now);
  }
  let beside: EndorsementSource | undefined;
  return async (piece) => {
    const evidence = innerEvidence(piece);
    const { intel, amd } = needsOf(evidence);
    if ((intel === null && amd === null) || !isText(target.bytes)) return {};
    return await findBeside(() => (beside ??= createSourceOfFiles([target])), evidence, now);
  };
}

/** Files that hold no endorsements are the evidence's misfortune; files that cannot be read are the caller's. */
async function chosenSource({
  endorsements,
  online,
}: FinderContext["options"]): Promise<(() => Promise<EndorsementSource>) | null> {
  if (endorsements !== undefined) {
    try {
      const source = await createFileSource(endorsements);
      return () => Promise.resolve(source);
    } catch (error) {
      if (!(error instanceof EndorsementError)) throw error;
      return () => Promise.reject(error);
    }
  }
  if (online === undefined || online === false) return null;
  const source = createVendorSource(typeof online === "string" ? { intelUrl: online } : {});
  return () => Promise.resolve(source);
}

/**
 * Endorsements in the document that the evidence came in. That there are none is for the verifier to say, which knows
 * whether it can do without: some evidence brings its own in a form of its kind.
 */
async function findBeside(
  source: () => EndorsementSource,
  evidence: Uint8Array | RecognisedEvidence,
  now: UnixSeconds,
): ReturnType<JudgeOptions["findEndorsements"]> {
  try {
    return await source().find(evidence, now);
  } catch (error) {
    if (error instanceof EndorsementError && error.code === "ENDORSEMENT_UNAVAILABLE") return {};
    throw error;
  }
}

/** JSON or PEM: what may hold more than the evidence. */
function isText(bytes: Uint8Array): boolean {
  const first = bytes.find((byte) => !SPACE_OR_MARK.has(byte));
  return first !== undefined && ["{", "[", "-"].includes(String.fromCharCode(first));
}

/** White space of JSON, and the bytes of a byte order mark. */
const SPACE_OR_MARK: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0d, 0x20, 0xef, 0xbb, 0xbf]);

function innerEvidence({ evidence, bytes }: FoundEvidence): Uint8Array | RecognisedEvidence {
  return evidence ?? findCertificateEvidence(parseCertificate(bytes)).evidence;
}
