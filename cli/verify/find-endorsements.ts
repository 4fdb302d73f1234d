import type { EndorsementSource } from "../../attestation/endorsements/endorsement-source.ts";
import type { JudgeOptions, UnixSeconds } from "../../attestation/index.ts";
import { endorsementsBeside, innerEvidence } from "../../attestation/verdict/endorsements-beside.ts";
import { createFileSource } from "../../endorsements/files/file-source.ts";
import { createVendorSource } from "../../endorsements/vendor-source.ts";
import { EndorsementError } from "../../protocol/errors.ts";
import type { EvidenceOptions } from "./evidence-options.ts";
import type { EvidenceTarget } from "./evidence-target.ts";

interface FinderContext {
  readonly options: Pick<EvidenceOptions, "endorsements" | "online">;
  readonly now: UnixSeconds;
}

/**
 * The endorsements to judge a piece with: the files that were named, the vendors when asked to, or what stands beside the evidence in its
 * own document. Nothing is fetched unasked: a verifier that works without a network says so by working.
 *
 * @throws {InputError} when the files that were named cannot be read
 */
export async function createEndorsementFinder(
  target: EvidenceTarget,
  { options, now }: FinderContext,
): Promise<JudgeOptions["findEndorsements"]> {
  const source = await chosenSource(options);
  if (source === null) return endorsementsBeside(target, now);
  return async (piece) => await (await source()).find(innerEvidence(piece), now);
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
