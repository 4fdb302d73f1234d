/** Writes the JSON Schemas of the enclave's two configuration files and of the oracle's: `node tools/write-configuration-schemas.ts`. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { policyFileSchema } from "../attestation/policy/policy-schema.ts";
import { Behaviour } from "../enclave/configuration/behaviour.ts";
import { OracleConfig } from "../oracle/config.ts";
import { Operator } from "../enclave/configuration/operator.ts";

const FOLDER = join(import.meta.dirname, "..", "docs", "reference");

/**
 * Of what is written in a file, before it is read: wei are strings there. Rules across fields are the enclave's own. A policy has the same
 * few rules for hundreds of fields: written once each, its schema takes half.
 */
export function configurationSchemas(): Readonly<Record<string, string>> {
  const write = (schema: z.ZodType, reused: "inline" | "ref" = "inline"): string =>
    `${JSON.stringify(z.toJSONSchema(schema, { io: "input", unrepresentable: "any", reused }), null, 2)}\n`;
  return {
    "behaviour.schema.json": write(Behaviour),
    "operator.schema.json": write(Operator),
    "oracle.schema.json": write(OracleConfig),
    "policy.schema.json": write(policyFileSchema(), "ref"),
  };
}

if (import.meta.main)
  for (const [name, text] of Object.entries(configurationSchemas())) writeFileSync(join(FOLDER, name), text);
