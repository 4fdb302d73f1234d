/** The rules that circuits are compiled with (coprocessor/circuits/ledger/src/rule.nr), to know beforehand what no proof can be made of. */

import type { Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { limbsOf } from "../ledger/poseidon-tree-hash.ts";
import { ruleIdOf } from "./transition.ts";

/** As many enclaves as an epoch lists. */
const MAX_SIGNATURES = 8;

export const RULES = {
  /** Any value over any other. */
  Register: (): boolean => true,
  /** A value is `cap ‖ spent`: spending grows within the cap, which only the key's owner sets, through the inbox. */
  Budget: (before: Hex, after: Hex): boolean => {
    const [cap, spentBefore] = limbsOf(before);
    const [newCap, spent] = limbsOf(after);
    return newCap === cap && spentBefore <= spent && spent <= cap;
  },
} as const satisfies Record<string, (before: Hex, after: Hex) => boolean>;

export type RuleName = keyof typeof RULES;

/**
 * The rule of a rule id (`ruleIdOf`), and the signatures that each row needs.
 *
 * @throws {InputError} INPUT_INVALID for a rule that is not ours
 */
export function findRule(ruleId: Hex): { readonly rule: RuleName; readonly signatures: number } {
  const names = Object.keys(RULES) as readonly RuleName[];
  for (let signatures = 1; signatures <= MAX_SIGNATURES; signatures += 1) {
    const rule = names.find((name) => ruleIdOf(name, signatures) === ruleId);
    if (rule !== undefined) return { rule, signatures };
  }
  throw new InputError({
    code: "INPUT_INVALID",
    message: `the ledger has a rule that is not ours (${names.join(", ")}): prove it with what it was made with`,
    details: { ruleId },
  });
}
