/** The behaviour file's section on agents; without it this enclave runs none. */

import * as z from "zod";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, { error: "expected a SHA-256 in lower-case hex" });

const origin = z.string().refine((text) => URL.parse(text)?.origin === text && text.startsWith("https://"), {
  error: "expected an https origin, such as https://api.example.com",
});

export const AgentSettings = z.strictObject({
  /** The sandbox that programs run in; the enclave does not start with other files. `node tools/build-sandbox.ts` makes and names them. */
  sandbox: z.strictObject({ engine: sha256, prelude: sha256 }),
  /** Origins that programs may reach where their manifest names them; `public`: all of the public Internet. */
  hosts: z.union([z.literal("public"), z.array(origin).max(256)]),
  /** `any-for-testing`: also this machine and private networks. Visible to every policy, because it is in this file. */
  addresses: z.enum(["public", "any-for-testing"]),
  /** Runs at the same time. */
  concurrentRuns: z.int().min(1).max(1_024).default(128),
});
export type AgentSettings = z.output<typeof AgentSettings>;
