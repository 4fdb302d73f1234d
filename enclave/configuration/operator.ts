/**
 * The operator file: who is paid, which coordinators are served, who may call. No field of it changes the bytes of an
 * answer or of what is sent to a model; it decides only whether a call is served.
 */

import * as z from "zod";
import type { Hex } from "../../protocol/bytes.ts";
import { address, bytes32, uint256 } from "../../protocol/fields.ts";

const bytes48 = z
  .string()
  .regex(/^0x[0-9a-f]{96}$/)
  .transform((text) => text as Hex);

/** The part that every verifier may see: its digest is in the keyset. */
const PublicPart = z.strictObject({
  name: z.string().max(128),
  payee: address,
  coordinators: z.array(z.strictObject({ chainId: uint256, coordinator: address })).max(64),
});

const Quota = z.strictObject({
  requestsPerMinute: z.int().min(1),
  concurrent: z.int().min(1),
});
export type Quota = z.output<typeof Quota>;

const Callers = z.strictObject({
  /** Access without a credential is never a default. */
  anonymous: z.union([z.literal("refuse"), Quota]),
  /**
   * All who come with nothing but a provider key of their own, together: a key that was made up costs nothing, so that a
   * quota for each would be none. They reach the OpenAI-compatible routes, and no contract's.
   */
  keyOwners: z.union([z.literal("refuse"), Quota]).default({ requestsPerMinute: 60, concurrent: 4 }),
  named: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(64),
        credentialSha256: bytes32,
        quota: Quota,
        /** May bring the operator's secrets: whoever can decides which account a provider bills. */
        provisions: z.boolean().default(false),
      }),
    )
    .max(1_024),
});

export const Operator = z.strictObject({
  version: z.literal(1),
  public: PublicPart,
  /** How evidence is made on this platform. A wrong choice yields no evidence that a policy accepts. */
  attester: z.discriminatedUnion("kind", [
    /** Evidence that only a policy which names the simulator accepts. Several enclaves of one machine take several names. */
    z.strictObject({
      kind: z.literal("simulator"),
      platform: z.string().min(1).max(64),
      /** The registers that a machine with a TEE would have (`adyton image measure`): a stand-in for it, for tests of policies. */
      measurements: z
        .strictObject({ mrTd: bytes48, rtMr0: bytes48, rtMr1: bytes48, rtMr2: bytes48, rtMr3: bytes48 })
        .optional(),
    }),
    z.strictObject({ kind: z.literal("configfs-tsm") }),
    z.strictObject({ kind: z.literal("dstack") }),
    z.strictObject({ kind: z.literal("nitro") }),
  ]),
  listen: z.strictObject({
    host: z.string(),
    port: z.int().min(0).max(65_535),
    /** Further names and addresses for the certificate: for clients that check one beside the evidence. */
    names: z.array(z.string().min(1).max(253)).max(32).default([]),
  }),
  callers: Callers,
});
export type Operator = z.output<typeof Operator>;
export type OperatorFile = z.input<typeof Operator>;
