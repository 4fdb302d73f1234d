import * as z from "zod";
import type { Hex } from "../../protocol/bytes.ts";
import { acceptAny } from "./rule.ts";

/**
 * Reference values by index, such as PCRs: what is listed is compared, and at least one is. An empty list would accept
 * anything without saying so.
 */
export function byIndexSchema(index: z.ZodString, value: z.ZodType<Hex>) {
  const byIndex = z
    .record(index, z.array(value).min(1))
    .refine((values) => Object.keys(values).length > 0, 'list a value, or write {"acceptAny": true}');
  return z.union([z.strictObject({ byIndex }), acceptAny]);
}

type ByIndex = { readonly byIndex: Record<string, Hex[]> } | z.infer<typeof acceptAny>;

/** The demand that pins what was observed, where anything was. */
export function proposeByIndex(observed: readonly (readonly [index: string, value: Hex])[]): ByIndex {
  if (observed.length === 0) return { acceptAny: true };
  return { byIndex: Object.fromEntries(observed.map(([index, value]) => [index, [value]])) };
}
