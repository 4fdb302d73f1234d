/** Whole combinations of values: lists by field would also accept the first value of one build with the second of another. */

import * as z from "zod";
import { AppraisalError } from "../../protocol/errors.ts";
import type { EvidenceKind, VerifiedEvidence } from "../evidence/verified-evidence.ts";
import { acceptAny, type Rule, type RuleTable } from "./rule.ts";

const MAX_COMBINATIONS = 1024;

/** `table` with one more rule: `{"oneOf": [{"mrTd": …, "rtMr1": …}, …]}`, all values of one entry, or `{"acceptAny": true}`. */
export function withCombinations<Kind extends EvidenceKind, Table extends RuleTable<Kind>>(table: Table) {
  return { ...table, combinations: combinationsRule<Kind>(table) } as const;
}

function combinationsRule<Kind extends EvidenceKind>(table: RuleTable<Kind>) {
  const readers = new Map<string, Rule<Kind>>(
    Object.entries(table).filter(([, rule]) => rule.read !== undefined),
  );
  const names = z.enum([...readers.keys()] as [string, ...string[]]);
  const combination = z
    .partialRecord(names, z.union([z.string().max(4096), z.number()]))
    .refine((values) => Object.keys(values).length > 1, "a combination has two values or more");
  const schema = z.union([
    z.strictObject({ oneOf: z.array(combination).min(1).max(MAX_COMBINATIONS) }),
    acceptAny,
  ]);
  const valueOf = (evidence: VerifiedEvidence<Kind>, name: string): string | number | null =>
    readers.get(name)?.read?.(evidence) ?? null;
  return {
    since: 2,
    schema,
    appraise: (evidence, demand) => {
      if ("acceptAny" in demand) return "not compared (any accepted)";
      const index = demand.oneOf.findIndex((values) =>
        Object.entries(values).every(([name, value]) => valueOf(evidence, name) === value),
      );
      if (index >= 0) return `number ${index + 1} of ${demand.oneOf.length}`;
      const seen = [...new Set(demand.oneOf.flatMap((values) => Object.keys(values)))];
      throw new AppraisalError({
        code: "APPRAISAL_MEASUREMENT_UNKNOWN",
        message: "no combination of the policy has all of these values together",
        details: {
          claim: "combinations",
          actual: seen.map((name) => `${name} ${String(valueOf(evidence, name) ?? "absent")}`).join(", "),
          listed: demand.oneOf.length,
        },
      });
    },
    propose: () => ({ acceptAny: true }) as const,
  } as const satisfies Rule<Kind, typeof schema>;
}
