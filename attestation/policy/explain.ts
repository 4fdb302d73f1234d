/** A policy in sentences, one for each rule: for whoever has to say yes to it. */

import type { EvidenceKind } from "../evidence/verified-evidence.ts";
import { RULES, type AppraisalPolicy } from "./policy.ts";
import { acceptsAny } from "./rule.ts";

export interface ExplainedKind {
  readonly kind: EvidenceKind;
  /** What is demanded, a sentence each. */
  readonly demands: readonly string[];
  /** Rules that accept anything. */
  readonly open: readonly string[];
}

export interface ExplainedPolicy {
  readonly accepted: readonly ExplainedKind[];
  readonly refused: readonly EvidenceKind[];
  readonly pieces: string;
}

export function explainPolicy(policy: AppraisalPolicy): ExplainedPolicy {
  const kinds = Object.keys(RULES) as EvidenceKind[];
  const refused = kinds.filter((kind) => "refuse" in policy[kind]);
  const accepted = kinds
    .filter((kind) => !refused.includes(kind))
    .map((kind) => explainKind(kind, policy[kind]));
  const pieces =
    policy.pieces === "all"
      ? "Of a document, every piece of evidence must be accepted."
      : `Of a document, a piece of each of these kinds must be accepted, and pieces of other kinds decide nothing unless they are false: ${policy.pieces.needs.join(", ")}.${policy.pieces.boundGpus === true ? " GPUs must answer a nonce that the CPU's evidence beside them binds." : ""}`;
  return { accepted, refused, pieces };
}

function explainKind(kind: EvidenceKind, section: Readonly<Record<string, unknown>>): ExplainedKind {
  const entries = Object.entries(section);
  const open = entries.filter(([, demand]) => acceptsAny(demand)).map(([name]) => name);
  const demands = entries
    .filter(([, demand]) => !acceptsAny(demand))
    .map(([name, demand]) => `${name} ${explainDemand(demand)}.`);
  return { kind, demands, open };
}

/** Sentences by the word of a demand; a word that is not here is shown as it stands. */
const WORDS: Readonly<Record<string, (value: never) => string>> = {
  oneOf: (values: readonly unknown[]) =>
    values.length === 1 ? `must be ${show(values[0])}` : `must be one of ${values.map(show).join(", ")}`,
  noneBut: (values: readonly string[]) =>
    values.length === 0 ? "must name nothing" : `may name nothing but ${values.join(", ")}`,
  atLeast: (bound: unknown) =>
    `must be at least ${typeof bound === "object" ? listed(bound as Readonly<Record<string, unknown>>) : show(bound)}`,
  atMost: (bound: unknown) => `must be at most ${show(bound)}`,
  exactly: (count: unknown) => `must be exactly ${show(count)}`,
  componentsAtLeast: (hex: unknown) => `must have every component at ${show(hex)} or above`,
  bitsSet: (hex: unknown) => `must have the bits of ${show(hex)} set`,
  set: (names: readonly string[]) => (names.length === 0 ? "" : `must have ${names.join(", ")} set`),
  clear: (names: readonly string[]) => (names.length === 0 ? "" : `must have ${names.join(", ")} clear`),
  maxAgeSeconds: (seconds: number) => `must not be older than ${seconds} seconds`,
  byIndex: (values: Readonly<Record<string, unknown>>) => `must be, by index, ${listed(values)}`,
};

function explainDemand(demand: unknown): string {
  if (typeof demand === "string") return DEMAND_WORDS[demand] ?? `says ${demand}`;
  if (Array.isArray(demand)) return `must be one of ${demand.map(show).join(", ")}`;
  const parts = Object.entries(demand as Readonly<Record<string, unknown>>).map(
    ([word, value]) =>
      WORDS[word]?.(value as never) ?? `${word} ${acceptsAny(value) ? "may be any" : explainDemand(value)}`,
  );
  return parts.filter((part) => part !== "").join(", and ");
}

const DEMAND_WORDS: Readonly<Record<string, string>> = {
  refuse: "must be off, and known to be",
  acceptUnknown: "must not be on; that nothing says whether it is, is accepted",
  acceptForTesting: "may be on: FOR TESTING ONLY, the host can read everything",
  require: "must have been looked into",
  acceptUnchecked: "need not have been looked into",
  acceptWithout: "need not be here: that plain data crosses what nobody vouches for, is accepted",
  acceptReadableByTheHost: "may be read by the host",
};

function listed(values: Readonly<Record<string, unknown>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${Array.isArray(value) ? value.map(show).join(" or ") : show(value)}`)
    .join(", ");
}

function show(value: unknown): string {
  if (typeof value === "string" || typeof value === "number") return String(value);
  return typeof value === "object" && value !== null ? `(${listed(value as never)})` : String(value);
}
