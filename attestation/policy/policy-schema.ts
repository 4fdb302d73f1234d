import * as z from "zod";
import type { EvidenceKind } from "../evidence/verified-evidence.ts";
import { piecesSchema, RULES, versionSchema } from "./policy.ts";
import type { Rule } from "./rule.ts";

/**
 * Files of every version, for editors: kinds may be left out, which refuses them, and so may rules that came after version 1,
 * in files of that version. `parsePolicyFile` checks rules across fields.
 */
export function policyFileSchema(): z.ZodType {
  const kinds = (Object.keys(RULES) as EvidenceKind[]).map((kind) => [kind, sectionSchema(kind).optional()]);
  return z.strictObject({
    $schema: z.string().optional(),
    version: versionSchema,
    pieces: piecesSchema.optional(),
    ...(Object.fromEntries(kinds) as Record<string, z.ZodType>),
  });
}

function sectionSchema(kind: EvidenceKind): z.ZodType {
  const rules = Object.entries(RULES[kind]) as [string, Rule<EvidenceKind>][];
  const shape = rules.map(([name, { schema, since = 1 }]) => [
    name,
    since === 1 ? schema : schema.optional(),
  ]);
  return z.union([
    z.strictObject({ refuse: z.literal(true) }),
    z.strictObject(Object.fromEntries(shape) as Record<string, z.ZodType>),
  ]);
}
