/** Whose results you believe, and what they must say: an Appraisal Policy for Attestation Results (RFC 9334 §8.5). */

import * as z from "zod";
import { fromHex, type Hex } from "../../protocol/bytes.ts";
import { describeMisfit } from "../policy/misfit.ts";
import { parsePolicyJson, policyFault } from "../policy/policy-json.ts";
import { parsePublicKey } from "../x509/public-key.ts";

/** Told when the policy is read: with the token it would look like a fault of the token's. */
function isPublicKey(text: string): boolean {
  try {
    parsePublicKey(fromHex(text));
    return true;
  } catch {
    return false;
  }
}

const acceptAny = z.strictObject({ acceptAny: z.literal(true) });
const spki = z
  .string()
  .regex(/^0x(?:[0-9a-f]{2})+$/)
  .refine(isPublicKey, "expected the SubjectPublicKeyInfo of an RSA or EC key")
  .transform((text) => text as Hex);

/** Public keys as the issuer publishes them (JWK), or roots above the certificates in its tokens, by key. */
const believedSchema = z.strictObject({
  issuer: z.string().min(1).max(512),
  keys: z
    .array(z.looseObject({ kty: z.string() }))
    .max(64)
    .default([]),
  /** SubjectPublicKeyInfo of each. */
  roots: z.array(spki).max(16).default([]),
  /** `aud`: a token made for another may be somebody else's. */
  audience: z.union([z.strictObject({ oneOf: z.array(z.string()).min(1) }), acceptAny]),
});

/** A claim by its path, members with dots between; of a list, one member must be accepted. */
const claimSchema = z.strictObject({
  path: z.string().min(1).max(256),
  oneOf: z.array(z.union([z.string(), z.number(), z.boolean()])).min(1),
});

export const resultPolicySchema = z.strictObject({
  version: z.literal(1),
  /** Nobody is believed who is not named here. */
  believe: z.array(believedSchema).min(1).max(64),
  claims: z.union([z.array(claimSchema).min(1).max(256), acceptAny]),
  /** `eat_nonce` or `nonce`, where one was sent; what was sent is the caller's to say. */
  maxAgeSeconds: z.int().min(0),
});

export type ResultPolicy = z.infer<typeof resultPolicySchema>;
export type Believed = ResultPolicy["believe"][number];

/**
 * A policy from the bytes of its file.
 *
 * @throws {InputError} INPUT_INVALID, naming file, place and, for a word that is not known, the nearest one that is
 */
export function parseResultPolicyFile(file: Uint8Array, name: string): ResultPolicy {
  return parseResultPolicy(parsePolicyJson(file, name), name);
}

/** A policy from its JSON. @throws {InputError} as `parseResultPolicyFile` */
export function parseResultPolicy(json: unknown, name = "the policy for results"): ResultPolicy {
  const parsed = resultPolicySchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const { place, message } = describeMisfit({
    schema: resultPolicySchema,
    error: parsed.error,
    value: json,
    path: "",
  });
  throw policyFault({ name, path: place }, message, parsed.error);
}
