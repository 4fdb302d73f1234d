/** `adyton verify … --releases FOLDER --release-key KEY`: which release the evidence's measurement is. */

import { join } from "node:path";
import type { VerifiedEvidence } from "../../attestation/index.ts";
import { findRelease, verifyReleaseLog } from "../../image/release-log.ts";
import { InputError } from "../../protocol/errors.ts";
import { parseVerifierKey } from "../../protocol/verifier-key.ts";
import { ExitCode } from "../exit-codes.ts";
import { readInput } from "../input-file.ts";
import { registersOf } from "./evidence-registers.ts";
import type { ReportedCheck, VerifyOutcome } from "./report.ts";

export interface ReleaseOptions {
  readonly releases?: string;
  readonly releaseKey?: string;
}

/**
 * The outcome with the release beside it; a measurement of no release is refused.
 *
 * @throws {EvidenceError} for a log that its key did not sign so
 */
export function findReleaseOf(
  outcome: VerifyOutcome,
  evidence: VerifiedEvidence,
  { releases: folder = "", releaseKey }: ReleaseOptions,
): VerifyOutcome {
  if (releaseKey === undefined) {
    throw new InputError({
      code: "INPUT_INVALID",
      message:
        "--releases wants --release-key: a log says something only under a key that you have from elsewhere",
    });
  }
  const text = (name: string): string => Buffer.from(readInput(join(folder, name))).toString("utf8");
  const verifier = parseVerifierKey(releaseKey);
  const lines = text("releases.jsonl")
    .split("\n")
    .filter((line) => line !== "");
  const releases = verifyReleaseLog({ lines, checkpoint: text("checkpoint") }, verifier);
  const { platforms, registers } = registersOf(evidence);
  const found = findRelease(releases, platforms, registers);
  const check: ReportedCheck = {
    name: "release",
    link: "evidence",
    ok: found !== null,
    state: found === null ? "fails" : "holds",
    compared: `the evidence's registers with the ${releases.length} releases of ${verifier.name}`,
    detail:
      found === null
        ? "a measurement of no release"
        : `release ${found.release.version} (commit ${found.release.commit}), entry ${found.index + 1} of ${releases.length}`,
    expected: null,
    found: found === null ? null : found.release.version,
    range: null,
  };
  const report = { ...outcome.report, checks: [...outcome.report.checks, check] };
  if (found !== null) return { ...outcome, report };
  const message = `the measurement is in no release of ${verifier.name}`;
  return {
    exitCode: ExitCode.refused,
    report: {
      ...report,
      exitStatus: ExitCode.refused,
      appraised: false,
      headline: "No release.",
      sentence: message,
      error: { code: "APPRAISAL_MEASUREMENT_UNKNOWN", message },
    },
  };
}
