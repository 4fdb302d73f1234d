/** What a reader can accept of genuine evidence, rule by rule, and the policy made of what was ticked. */

import type { EvidenceKind, VerifiedEvidence } from "../../attestation/evidence/verified-evidence.ts";
import { explainPolicy } from "../../attestation/policy/explain.ts";
import { parseAppraisalPolicy, POLICY_SCHEMA_URL } from "../../attestation/policy/policy-file.ts";
import { type AppraisalPolicy, RULES } from "../../attestation/policy/policy.ts";
import { proposePolicy } from "../../attestation/policy/propose.ts";
import type { Rule } from "../../attestation/policy/rule.ts";
import type { Proposal, ProposalRow } from "./judgement.ts";

const ACCEPT_ANY = { acceptAny: true } as const;

export function proposalOf(genuine: readonly VerifiedEvidence[]): Proposal {
  const { accepted } = explainPolicy(proposePolicy(...genuine));
  return { rows: accepted.flatMap(({ kind, demands }) => demands.map((demand) => rowOf(kind, demand))) };
}

function rowOf(kind: EvidenceKind, demand: string): ProposalRow {
  const [rule = ""] = demand.split(" ", 1);
  const concerns = concernOf(rule);
  const says = demand.slice(rule.length + 1, -1);
  return { kind, rule, says, means: MEANING[concerns], concerns, isNeeded: !canBeOpen(kind, rule) };
}

function canBeOpen(kind: EvidenceKind, rule: string): boolean {
  const table = RULES[kind] as Readonly<Record<string, Rule<EvidenceKind>>>;
  return table[rule]?.schema.safeParse(ACCEPT_ANY).success ?? false;
}

const PROGRAM =
  /^(?:mr|rtMr|pcr|measurement|composeHash|appId|osImageHash|combinations|vbios|driver|idKey|authorKey|hostData|imageId|familyId|isvProdId)/;
const CHIP = /^(?:platformIds|vmUniqueId|instanceId|devices)$/;
const STATUS = /^(?:tcbStatuses|advisories)$/;

function concernOf(rule: string): ProposalRow["concerns"] {
  if (PROGRAM.test(rule)) return "program";
  if (CHIP.test(rule)) return "chip";
  return STATUS.test(rule) ? "status" : "other";
}

const MEANING: Readonly<Record<ProposalRow["concerns"], string>> = {
  program: "a hash: rebuild the source to know what it is",
  chip: "this one machine",
  status: "the vendor's word for how up to date the platform is",
  other: "",
};

/** @param ticked rules as `tdx.mrTd` */
export function makePolicy(genuine: readonly VerifiedEvidence[], ticked: readonly string[]): string {
  const proposed = proposePolicy(...genuine);
  const kinds = Object.keys(RULES) as EvidenceKind[];
  const sections = kinds.map((kind) => [kind, sectionOf(proposed, kind, ticked)] as const);
  const policy = parseAppraisalPolicy({ version: 3, pieces: "all", ...Object.fromEntries(sections) });
  return `${JSON.stringify({ $schema: POLICY_SCHEMA_URL, ...policy }, null, 2)}\n`;
}

function sectionOf(proposed: AppraisalPolicy, kind: EvidenceKind, ticked: readonly string[]): unknown {
  const section = proposed[kind];
  if ("refuse" in section) return section;
  const rules = Object.entries(section as Readonly<Record<string, unknown>>);
  return Object.fromEntries(
    rules.map(([rule, demand]) => [
      rule,
      ticked.includes(`${kind}.${rule}`) || !canBeOpen(kind, rule) ? demand : ACCEPT_ANY,
    ]),
  );
}
