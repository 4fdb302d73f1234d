/** `adyton verify` for anything but a receipt: genuine? and acceptable to me? */

import { writeFile } from "node:fs/promises";
import type { VerifiedEvidence } from "../../attestation/index.ts";
import { judgeEvidence } from "../../attestation/verdict/judge-evidence.ts";
import { AdytonError, InputError } from "../../protocol/errors.ts";
import { unwritable } from "../../endorsements/files/unreadable.ts";
import { createEndorsementFinder } from "./find-endorsements.ts";
import { readEvidenceDemands, type EvidenceOptions } from "./evidence-options.ts";
import type { EvidenceTarget } from "./evidence-target.ts";
import { outcomeOfUsage, toOutcome, type VerifyOutcome } from "./report.ts";

/**
 * Verifies evidence and, where a policy was given, appraises it. Whatever goes wrong by our taxonomy is in the outcome;
 * anything thrown is a bug.
 */
export async function verifyEvidenceCommand(
  target: EvidenceTarget,
  options: EvidenceOptions,
): Promise<VerifyOutcome> {
  try {
    const demands = await readEvidenceDemands(options);
    const findEndorsements = await createEndorsementFinder(target, { options, now: demands.now });
    const policy = demands.policy === null ? null : ({ policy: demands.policy, origin: "own" } as const);
    const { verdict, genuine } = await judgeEvidence(target.bytes, { ...demands, policy, findEndorsements });
    const outcome = await withImage(toOutcome(verdict), genuine, options);
    return options.initPolicy === undefined
      ? outcome
      : await withPolicy(outcome, genuine, options.initPolicy);
  } catch (error) {
    if (!(error instanceof AdytonError)) throw error;
    return outcomeOfUsage(error as AdytonError);
  }
}

/** Which image runs there, by its sources and by the log of releases. Evidence that is not genuine is not worth a build. */
async function withImage(
  outcome: VerifyOutcome,
  genuine: readonly VerifiedEvidence[],
  options: EvidenceOptions,
): Promise<VerifyOutcome> {
  const [evidence, ...others] = genuine;
  const isAsked = options.fromSource !== undefined || options.releases !== undefined;
  if (!isAsked || !outcome.report.verified || evidence === undefined) return outcome;
  if (others.length > 0) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "--from-source and --releases look at one machine: this document holds evidence of several",
    });
  }
  let judged = outcome;
  if (options.releases !== undefined) {
    const { findReleaseOf } = await import("./release.ts");
    judged = findReleaseOf(judged, evidence, options);
  }
  if (options.fromSource !== undefined) {
    const { compareWithSource } = await import("./from-source.ts");
    judged = compareWithSource(judged, evidence, options.fromSource, options);
  }
  return judged;
}

/** Nothing is written for a document of which one piece is not genuine. */
async function withPolicy(
  outcome: VerifyOutcome,
  genuine: readonly VerifiedEvidence[],
  file: string,
): Promise<VerifyOutcome> {
  if (!outcome.report.verified) return outcome;
  const { openRules, POLICY_SCHEMA_URL, proposePolicy } = await import("../../attestation/index.ts");
  const policy = proposePolicy(...genuine);
  const leftOpen = openRules(policy);
  try {
    await writeFile(file, `${JSON.stringify({ $schema: POLICY_SCHEMA_URL, ...policy }, null, 2)}\n`, {
      flag: "wx",
    });
  } catch (cause) {
    throw unwritable(file, cause);
  }
  return { ...outcome, report: { ...outcome.report, policyWritten: { file, leftOpen } } };
}
