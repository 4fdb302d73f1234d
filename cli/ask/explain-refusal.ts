/** Why a chain did not take a question, in words: ethers' own message has the whole transaction in it. */

import type { Interface } from "ethers";
import * as z from "zod";

const Refusal = z.object({
  /** What the contract reverted with. */
  data: z
    .string()
    .regex(/^0x[0-9a-fA-F]{8,}$/)
    .optional()
    .catch(undefined),
  info: z
    .object({ error: z.object({ message: z.string() }) })
    .optional()
    .catch(undefined),
  error: z.object({ message: z.string() }).optional().catch(undefined),
  shortMessage: z.string().optional().catch(undefined),
});

/** Characters of a reason: a library's message may hold a transaction. */
const MOST = 300;

/** @param contract whose custom errors are told by name */
export function explainRefusal(cause: unknown, contract: Interface): string {
  const { data, info, error, shortMessage } = Refusal.safeParse(cause).data ?? {};
  const custom = data === undefined ? null : contract.parseError(data);
  if (custom !== null) return `${custom.name}(${custom.args.map(String).join(", ")})`;
  const said = info?.error.message ?? error?.message ?? shortMessage;
  return (said ?? (cause instanceof Error ? cause.message : String(cause))).slice(0, MOST);
}
