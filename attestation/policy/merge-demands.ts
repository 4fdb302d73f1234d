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

type Lists = readonly (readonly unknown[])[];
type ListsByIndex = readonly Readonly<Record<string, readonly unknown[]>>[];

const join = (lists: Lists): readonly unknown[] => [...new Set(lists.flat())];

/** By the word of a demand, what several of them say together; undefined for nothing. */
const UNIONS: Readonly<Record<string, (values: never) => unknown>> = {
  oneOf: (values: Lists) => ({ oneOf: join(values) }),
  noneBut: (values: Lists) => ({ noneBut: join(values) }),
  componentsAtLeast: (values: readonly string[]) => {
    const [first = new Uint8Array(), ...others] = values.map((value) => fromHex(value));
    const least = first.map((byte, at) => Math.min(byte, ...others.map((other) => other[at] ?? 0)));
    return { componentsAtLeast: toHex(least) };
  },
  byIndex: ([first = {}, ...others]: ListsByIndex) => {
    const shared = Object.entries(first).filter(([index]) =>
      others.every((other) => Object.hasOwn(other, index)),
    );
    if (shared.length === 0) return undefined;
    const merged = shared.map(([index, values]) => [
      index,
      join([values, ...others.map((other) => other[index] ?? [])]),
    ]);
    return { byIndex: Object.fromEntries(merged) as Readonly<Record<string, unknown>> };
  },
};

function unionOf(demands: readonly unknown[]): unknown {
  if (demands.every((demand) => Array.isArray(demand))) return join(demands);
  const [word, ...more] = Object.keys(typeof demands[0] === "object" ? (demands[0] ?? {}) : {});
  if (word === undefined || more.length > 0) return undefined;
  const values = demands.map((demand) => (demand as Readonly<Record<string, unknown>>)[word]);
  if (values.includes(undefined)) return undefined;
  return UNIONS[word]?.(values as never);
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
  const differing = rules.filter(([name, rule]) => rule.read !== undefined && hasSeveral(demands[name]));
  if (differing.length < 2) return ACCEPT_ANY;
  const seen = pieces.map((piece) =>
    Object.fromEntries(differing.map(([name, rule]) => [name, rule.read?.(piece) ?? ""] as const)),
  );
  return { oneOf: [...new Map(seen.map((values) => [JSON.stringify(values), values])).values()] };
}

function hasSeveral(demand: unknown): boolean {
  const { oneOf } = (typeof demand === "object" ? (demand ?? {}) : {}) as { readonly oneOf?: unknown };
  return Array.isArray(oneOf) && oneOf.length > 1;
}
