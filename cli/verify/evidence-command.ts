/** `adyton verify` for anything but a receipt: genuine? and acceptable to me? */

import { writeFile } from "node:fs/promises";
import { findEvidence, type FoundEvidence } from "../../attestation/evidence/find-evidence.ts";
import {
  appraiseEvidence,
  proposePolicy,
  type TcbStatus,
  type VerifiedEvidence,
} from "../../attestation/index.ts";
import { toIsoTime } from "../../attestation/time/unix-time.ts";
import { AdytonError, InputError } from "../../protocol/errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { readEvidenceDemands, type EvidenceDemands, type EvidenceOptions } from "./evidence-options.ts";
import type { EvidenceTarget } from "./evidence-target.ts";
import { findEndorsements } from "./find-endorsements.ts";
import {
  checkNotRevoked,
  exitCodeOf,
  type ReportedCheck,
  type VerifyOutcome,
  type VerifyReport,
} from "./report.ts";
import { checkDemands, verifyFound, type GenuineEvidence } from "./verify-found.ts";

/**
 * Verifies evidence and, where a policy was given, appraises it. Whatever goes wrong by our taxonomy is in the outcome;
 * anything thrown is a bug.
 */
export async function verifyEvidenceCommand(
  target: EvidenceTarget,
  options: EvidenceOptions,
): Promise<VerifyOutcome> {
  const report: MutableReport = { ...NOTHING_KNOWN };
  try {
    const demands = await readEvidenceDemands(options);
    const genuine = await judge(target, { options, demands, report });
    appraise(genuine, { demands, report });
    if (options.initPolicy !== undefined) await writePolicy(genuine, options.initPolicy);
    return { exitCode: report.appraised === true ? ExitCode.ok : ExitCode.notAppraised, report };
  } catch (error) {
    if (!(error instanceof AdytonError)) throw error;
    return refused(report, error as AdytonError);
  }
}

const NOTHING_KNOWN: VerifyReport = {
  kind: "unknown",
  verified: false,
  appraised: null,
  claims: {},
  checks: [],
};

/** The outcome when there was nothing to look at: a file that cannot be read, an option that makes no sense. */
export function outcomeOfError(error: AdytonError): VerifyOutcome {
  return refused(NOTHING_KNOWN, error);
}

/** What is known so far: an error leaves it as it is and adds itself. */
type MutableReport = { -readonly [Field in keyof VerifyReport]: VerifyReport[Field] };

interface Judgement {
  readonly demands: EvidenceDemands;
  readonly report: MutableReport;
}

async function judge(
  target: EvidenceTarget,
  { options, demands, report }: Judgement & { readonly options: EvidenceOptions },
): Promise<GenuineEvidence> {
  const [found] = findEvidence(target.bytes) as readonly [FoundEvidence];
  report.kind = found.kind;
  const endorsements = await findEndorsements(target, found, { options, now: demands.now });
  const genuine = await verifyFound(found, endorsements, demands.now);
  const { evidence, checks } = genuine;
  const { kind, tcbStatus, advisories } = evidence;
  Object.assign(report, { kind, claims: toClaims(evidence) });
  report.checks = [...checks, ...platformCheck(evidence), debugCheck(evidence), datesCheck(evidence)];
  if (tcbStatus !== null) Object.assign(report, { tcbStatus, advisories });
  checkNotRevoked(evidence);
  report.verified = true;
  return genuine;
}

/** Intel's report data is a claim like the others, and belongs in sight beside them. */
function toClaims({ claims, reportData }: VerifiedEvidence): Readonly<Record<string, unknown>> {
  return { ...claims, ...(!("userData" in claims) && { reportData }) };
}

/** Intel's word for the platform, for somebody who does not know it. */
function platformCheck({ tcbStatus, advisories }: VerifiedEvidence): readonly ReportedCheck[] {
  if (tcbStatus === null) return [];
  const listed = advisories.length === 0 ? "" : ` (${advisories.join(", ")})`;
  return [{ name: "platform", ok: true, detail: `${tcbStatus}: ${TCB_MEANING[tcbStatus]}${listed}` }];
}

/** Intel PCS API, "Get TCB Info", `tcbStatus`; and QVL for the two that it adds. */
const TCB_MEANING: Readonly<Record<TcbStatus, string>> = {
  UpToDate: "has every update that Intel lists",
  SWHardeningNeeded: "updated, and software inside must defend itself against some attacks",
  ConfigurationNeeded: "updated, and configured in a way that Intel advises against",
  ConfigurationAndSWHardeningNeeded:
    "updated, configured in a way that Intel advises against, and software inside must defend itself",
  TDRelaunchAdvised: "updated, but this TD was started before: relaunch it",
  TDRelaunchAdvisedConfigurationNeeded:
    "updated, but this TD was started before, and the configuration is one that Intel advises against",
  OutOfDate: "LACKS SECURITY UPDATES",
  OutOfDateConfigurationNeeded:
    "LACKS SECURITY UPDATES, and is configured in a way that Intel advises against",
  Revoked: "REVOKED BY INTEL: nothing that it signs is to be believed",
  NotSupported: "OLDER THAN ANYTHING THAT INTEL LISTS: no policy can accept it",
};

function debugCheck({ debug }: VerifiedEvidence): ReportedCheck {
  const detail = debug ? "ON: its host can read its memory, and nothing it says is safe" : "off";
  return { name: "debug mode", ok: true, detail };
}

function datesCheck({ verifiedAt, issuedAt, window }: VerifiedEvidence): ReportedCheck {
  const detail =
    issuedAt === null
      ? `judged as of ${toIsoTime(verifiedAt)}; everything relied on is in date until ${toIsoTime(window.until)}`
      : `made at ${toIsoTime(Math.floor(issuedAt))}, and everything relied on was in date then`;
  return { name: "dates", ok: true, detail };
}

function appraise(genuine: GenuineEvidence, { demands, report }: Judgement): void {
  report.checks = [...report.checks, ...checkDemands(genuine, demands)];
  if (demands.policy === null) return;
  const { evidence, eventLog } = genuine;
  const { checks } = appraiseEvidence(evidence, demands.policy, {
    now: demands.now,
    ...(eventLog && { eventLog }),
  });
  const named = checks.map(({ name, ok, detail }) => ({ name: `policy: ${name}`, ok, detail }));
  Object.assign(report, { appraised: true, checks: [...report.checks, ...named] });
}

async function writePolicy({ evidence }: GenuineEvidence, path: string): Promise<void> {
  try {
    await writeFile(path, `${JSON.stringify(proposePolicy(evidence), null, 2)}\n`, { flag: "wx" });
  } catch (cause) {
    if (cause instanceof AdytonError) throw cause;
    throw new InputError({
      code: "INPUT_CONFLICT",
      message: `cannot write ${path}: a policy that is already there is never overwritten`,
      cause,
    });
  }
}

const STAGES: readonly (readonly [string, string])[] = [
  ["APPRAISAL_", "policy"],
  ["ENDORSEMENT_", "endorsements"],
  ["EVIDENCE_", "evidence"],
];

function refused(report: VerifyReport, error: AdytonError): VerifyOutcome {
  const { code, message } = error;
  const exitCode = exitCodeOf(error);
  const stage = STAGES.find(([prefix]) => code.startsWith(prefix))?.[1] ?? "usage";
  return {
    exitCode,
    report: {
      ...report,
      appraised: exitCode === ExitCode.refused ? false : null,
      checks: [...report.checks, { name: stage, ok: false, detail: `${message}${observed(error)}` }],
      error: { code, message: withAdvice(error) },
    },
  };
}

/** Whoever sees a quote for the first time has no endorsements, and does not know the word. */
function withAdvice({ code, message }: AdytonError): string {
  return code === "ENDORSEMENT_UNAVAILABLE"
    ? `${message}. Endorsements are what the vendor says about the platform: give them with --endorsements FILE|DIR, or fetch them from the vendor with --online`
    : message;
}

/** The values behind a refusal, so that nobody has to look for them: what a policy saw, which dates did not fit. */
function observed({ details }: AdytonError): string {
  const values = Object.entries(details).map(([name, value]) => `${name} ${String(value)}`);
  return values.length > 0 ? ` (${values.join(", ")})` : "";
}
