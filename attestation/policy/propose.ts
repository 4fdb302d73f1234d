import { checkSealed, type EvidenceKind, type VerifiedEvidence } from "../evidence/verified-evidence.ts";
import { RULES, type AppraisalPolicy } from "./policy.ts";
import { parseAppraisalPolicy } from "./policy-file.ts";
import { isOpenDemand, type Rule } from "./rule.ts";

/**
 * A policy that accepts this evidence and little else, for a person to read and keep: its kinds with what was observed,
 * every other kind refused. It never proposes to accept debug, a revoked TCB, or simulated evidence unasked: a policy
 * made from evidence that has one of these refuses it.
 */
export function proposePolicy(...pieces: readonly VerifiedEvidence[]): AppraisalPolicy {
  pieces.forEach(checkSealed);
  const section = (kind: EvidenceKind): unknown => {
    const evidence = pieces.find((piece) => piece.kind === kind);
    if (evidence === undefined) return { refuse: true };
    const rules = Object.entries(RULES[kind]) as [string, Rule<EvidenceKind>][];
    return Object.fromEntries(rules.map(([name, rule]) => [name, rule.propose(evidence)]));
  };
  const kinds = Object.keys(RULES) as EvidenceKind[];
  return parseAppraisalPolicy({
    version: 3,
    pieces: "all",
    ...Object.fromEntries(kinds.map((kind) => [kind, section(kind)])),
  });
}

/**
 * Rules of a policy that accept anything, as `tdx.mrSeam`, or what nothing establishes, as `nvidia.switches`: what a person
 * who keeps it should know that it leaves open.
 */
export function openRules(policy: AppraisalPolicy): readonly string[] {
  return (Object.keys(RULES) as EvidenceKind[]).flatMap((kind) =>
    Object.entries(policy[kind])
      .filter(([, demand]) => isOpenDemand(demand))
      .map(([name]) => `${kind}.${name}`),
  );
}
