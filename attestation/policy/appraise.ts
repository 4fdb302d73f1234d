import { AppraisalError, EvidenceError } from "../../protocol/errors.ts";
import { keepChecks, type CheckOutcome } from "../evidence/check-list.ts";
import { checkUnixSeconds, type UnixSeconds } from "../time/unix-time.ts";
import type { DstackEvent } from "../dstack/event-log.ts";
import {
  checkSealed,
  type Check,
  type EvidenceKind,
  type VerifiedEvidence,
} from "../evidence/verified-evidence.ts";
import { RULES, type AppraisalPolicy } from "./policy.ts";
import { isLeftOpen, type AppraisalContext, type Rule } from "./rule.ts";

declare const accepted: unique symbol;

/** Evidence that is genuine and that a policy accepts: what a relying party may act on. */
export interface AppraisedEvidence<Evidence extends VerifiedEvidence = VerifiedEvidence> {
  readonly evidence: Evidence;
  readonly appraisedAt: UnixSeconds;
  /** One for each rule of the policy, with the value that was accepted. */
  readonly checks: readonly Check[];
  readonly [accepted]: true;
}

export interface AppraiseOptions {
  /** When the result is relied on, in seconds. */
  readonly now: UnixSeconds;
  /** The guest's event log, for policies with `rtMr3Events`. */
  readonly eventLog?: readonly DstackEvent[];
}

/**
 * Appraises verified evidence against `policy` (RFC 9334 §8.5).
 *
 * Establishes: the policy names this kind, and every one of its rules accepts what the evidence claims.
 * Leaves to the caller: that the report data is what was asked for now (`checkReportData`).
 *
 * @throws {AppraisalError} on the first rule that refuses; `details` names the observed value
 * @throws {EvidenceError} when an event log that the policy reads does not replay to the evidence
 */
export function appraiseEvidence<Evidence extends VerifiedEvidence>(
  evidence: Evidence,
  policy: AppraisalPolicy,
  { now, eventLog }: AppraiseOptions,
): AppraisedEvidence<Evidence> {
  checkUnixSeconds(now);
  checkSealed(evidence);
  const section: Readonly<Record<string, unknown>> = policy[evidence.kind];
  if ("refuse" in section) throw kindRefused(evidence.kind);
  const context: AppraisalContext = { now, eventLog: eventLog ?? null, section };
  const outcomes: CheckOutcome[] = [];
  for (const [name, rule] of Object.entries(RULES[evidence.kind]) as [string, Rule<EvidenceKind>][])
    outcomes.push(applyRule(name, rule, { evidence, demand: section[name], context }));
  const checks = outcomes.filter((outcome) => outcome.ok === true);
  const refused = outcomes.find((outcome) => outcome.ok === false);
  if (refused !== undefined) {
    keepChecks(refused.error, outcomes);
    throw refused.error;
  }
  const appraised = Object.freeze({ evidence, appraisedAt: now, checks: Object.freeze(checks) });
  return appraised as unknown as AppraisedEvidence<Evidence>;
}

interface RuleInput {
  readonly evidence: VerifiedEvidence;
  readonly demand: unknown;
  readonly context: AppraisalContext;
}

/** Every rule is applied, also after one has refused: whoever reads a refusal wants to see all of it. */
function applyRule(
  name: string,
  rule: Rule<EvidenceKind>,
  { evidence, demand, context }: RuleInput,
): CheckOutcome {
  const subject = { name, link: "evidence", compared: `${name} with the policy` } as const;
  try {
    const detail = rule.appraise(evidence, demand, context);
    return { ...subject, ok: true, detail, state: isLeftOpen(demand, detail) ? "left open" : "holds" };
  } catch (error) {
    // Also EvidenceError: an event log that a rule reads may not replay.
    if (!(error instanceof AppraisalError) && !(error instanceof EvidenceError)) throw error;
    return { ...subject, ok: false, error };
  }
}

function kindRefused(kind: EvidenceKind): AppraisalError {
  const isSimulated = kind === "simulator";
  return new AppraisalError({
    code: isSimulated ? "APPRAISAL_SIMULATED_REFUSED" : "APPRAISAL_KIND_REFUSED",
    message: isSimulated
      ? "this evidence is simulated: no hardware made it, and the policy refuses it"
      : `the policy refuses evidence of kind ${kind}`,
    details: { kind },
  });
}
