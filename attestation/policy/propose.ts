import { checkSealed, type EvidenceKind, type VerifiedEvidence } from "../evidence/verified-evidence.ts";
import { parseAppraisalPolicy, RULES, type AppraisalPolicy } from "./policy.ts";
import type { Rule } from "./rule.ts";

/**
 * A policy that accepts this evidence and little else, for a person to read and keep: its kind with what was observed,
 * every other kind refused. It never proposes to accept debug, a revoked TCB, or simulated evidence unasked: a policy
 * made from evidence that has one of these refuses it.
 */
export function proposePolicy(evidence: VerifiedEvidence): AppraisalPolicy {
  checkSealed(evidence);
  const section = (kind: EvidenceKind): unknown => {
    if (kind !== evidence.kind) return { refuse: true };
    const rules = Object.entries(RULES[kind]) as [string, Rule<EvidenceKind>][];
    return Object.fromEntries(rules.map(([name, rule]) => [name, rule.propose(evidence)]));
  };
  const kinds = Object.keys(RULES) as EvidenceKind[];
  return parseAppraisalPolicy({
    version: 1,
    ...Object.fromEntries(kinds.map((kind) => [kind, section(kind)])),
  });
}
