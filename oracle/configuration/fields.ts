/** Fields that several parts of the oracle's configuration have. */

import * as Address from "ox/Address";
import * as z from "zod";
import type { Hex } from "../../protocol/bytes.ts";

export const GWEI = 1_000_000_000n;
export const gwei = z
  .number()
  .positive()
  .transform((value) => BigInt(Math.round(value * 1e9)));
export const httpUrl = z.url({ protocol: /^https?$/ });
export const rpcUrl = z.url({ protocol: /^(?:http|ws)s?$/ });
/** As block explorers show it, or in lower case: a mixed one whose checksum (ERC-55) is wrong has a slip of the hand in it. */
export const address = z
  .string()
  // Of what is no address, such as a name, nothing is said about a checksum.
  .regex(/^0x[0-9a-fA-F]{40}$/, { error: "expected an address: 0x and 40 hex digits", abort: true })
  .refine((text) => Address.validate(text, { strict: true }), {
    error: "its checksum is wrong: copy the address again, or write it in lower case",
  })
  .transform((text) => text.toLowerCase() as Hex);
export const milliseconds = z.int().min(1).max(86_400_000);

/** A refinement of a list: no two items are the same by `keyOf`. */
export const distinct =
  <Item>(what: string, keyOf: (item: Item) => string) =>
  (items: readonly Item[], context: z.RefinementCtx): void => {
    const seen = new Set<string>();
    for (const [index, item] of items.entries()) {
      const key = keyOf(item);
      if (seen.has(key))
        context.addIssue({ code: "custom", path: [index], message: `another one has the same ${what}` });

      seen.add(key);
    }
  };

export const wei = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,30})$/, { error: "expected wei as a decimal string" })
  .transform((text) => BigInt(text));
