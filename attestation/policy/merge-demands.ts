/** One demand for several pieces of one kind: what each of them would be proposed, put together. */

import { fromHex, toHex } from "../../protocol/bytes.ts";
import { AppraisalError } from "../../protocol/errors.ts";
import type { EvidenceKind, VerifiedEvidence } from "../evidence/verified-evidence.ts";
import type { Rule } from "./rule.ts";

const ACCEPT_ANY = { acceptAny: true } as const;

/**
 * The narrowest demand that all `pieces` meet, as far as the rule has a word for it: the one of them whose bound is the widest, or
 * the values of all. Where there is none the rule is left open; where it cannot be, the first piece's stands, and refuses others.
 */
export function mergeDemands<Kind extends EvidenceKind>(
  rule: Rule<Kind>,
  pieces: readonly VerifiedEvidence<Kind>[],
): unknown {
  const demands: readonly unknown[] = pieces.map((piece) => rule.propose(piece));
  if (new Set(demands.map((demand) => JSON.stringify(demand))).size === 1) return demands[0];
  const union = unionOf(demands);
  const isMetByAll = (demand: unknown): boolean => pieces.every((piece) => isMet(rule, piece, demand));
  const met = [...demands, ...(union === undefined ? [] : [union])].find(isMetByAll);
  if (met !== undefined) return met;
  // A piece that nothing may accept, such as one in debug: the others' values are kept, and it stays refused.
  return union ?? (rule.schema.safeParse(ACCEPT_ANY).success ? ACCEPT_ANY : demands[0]);
}

function isMet<Kind extends EvidenceKind>(
  rule: Rule<Kind>,
  piece: VerifiedEvidence<Kind>,
  demand: unknown,
): boolean {
  try {
    rule.appraise(piece, demand, { now: piece.verifiedAt, eventLog: null, section: {} });
    return true;
  } catch (error) {
    if (!(error instanceof AppraisalError)) throw error;
    return false;
  }
}

const join = (lists: readonly (readonly unknown[])[]): readonly unknown[] => [...new Set(lists.flat())];

/** What several demands say together: a list of all values, the least of each component, lists by the indices that all have. */
function unionOf(demands: readonly unknown[]): unknown {
  if (demands.every((demand) => Array.isArray(demand))) return join(demands);
  const [word = "", ...more] = Object.keys(Object(demands[0]) as object);
  const values = demands.map((demand) => (Object(demand) as Readonly<Record<string, unknown>>)[word]);
  if (more.length > 0 || values.includes(undefined)) return undefined;
  if (values.every((value) => Array.isArray(value))) return { [word]: join(values) };
  if (word === "componentsAtLeast") return { [word]: leastOf(values as readonly string[]) };
  return word === "byIndex" ? joinByIndex(values as readonly ByIndex[]) : undefined;
}

function leastOf(values: readonly string[]): string {
  const [first = new Uint8Array(), ...others] = values.map((value) => fromHex(value));
  return toHex(first.map((byte, at) => Math.min(byte, ...others.map((other) => other[at] ?? 0))));
}

type ByIndex = Readonly<Record<string, readonly unknown[]>>;

function joinByIndex(values: readonly ByIndex[]): unknown {
  const shared = Object.keys(values[0] ?? {}).filter((index) => values.every((value) => index in value));
  if (shared.length === 0) return undefined;
  return {
    byIndex: Object.fromEntries(
      shared.map((index) => [index, join(values.map((value) => value[index] ?? []))]),
    ),
  };
}

/**
 * Which values were seen together, of the rules whose list has several: else a list by rule would accept the first value of one
 * piece with the second of another.
 */
export function combinationsOf<Kind extends EvidenceKind>(
  rules: readonly (readonly [name: string, rule: Rule<Kind>])[],
  demands: Readonly<Record<string, unknown>>,
  pieces: readonly VerifiedEvidence<Kind>[],
): unknown {
  const differing = rules.filter(([name, rule]) => "read" in rule && hasSeveral(demands[name]));
  if (differing.length < 2) return ACCEPT_ANY;
  const seen = pieces.map((piece) =>
    Object.fromEntries(differing.map(([name, rule]) => [name, rule.read?.(piece) ?? ""] as const)),
  );
  return { oneOf: [...new Map(seen.map((values) => [JSON.stringify(values), values])).values()] };
}

function hasSeveral(demand: unknown): boolean {
  const { oneOf } = Object(demand) as { readonly oneOf?: readonly unknown[] };
  return (oneOf?.length ?? 0) > 1;
}
