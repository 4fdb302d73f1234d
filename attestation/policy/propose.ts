import { checkSealed, type EvidenceKind, type VerifiedEvidence } from "../evidence/verified-evidence.ts";
import { combinationsOf, mergeDemands } from "./merge-demands.ts";
import { RULES, type AppraisalPolicy } from "./policy.ts";
import { parseAppraisalPolicy } from "./policy-file.ts";
import { isOpenDemand, type Rule } from "./rule.ts";

/**
 * A policy that accepts this evidence and little else, for a person to read and keep: its kinds with what was observed,
 * every other kind refused. It never proposes to accept debug, a revoked TCB, or simulated evidence unasked: a policy
 * made from evidence that has one of these refuses it. Several pieces of one kind are accepted each, with the values that were
 * seen together.
 */
export function proposePolicy(...pieces: readonly VerifiedEvidence[]): AppraisalPolicy {
  pieces.forEach(checkSealed);
  const section = (kind: EvidenceKind): unknown => {
    const own = pieces.filter((piece) => piece.kind === kind);
    if (own.length === 0) return { refuse: true };
    const rules = Object.entries(RULES[kind]) as [string, Rule<EvidenceKind>][];
    const demands = Object.fromEntries(rules.map(([name, rule]) => [name, mergeDemands(rule, own)]));
    return "combinations" in demands
      ? { ...demands, combinations: combinationsOf(rules, demands, own) }
      : demands;
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
