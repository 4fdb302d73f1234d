import * as z from "zod";
import type { EvidenceKind } from "../evidence/verified-evidence.ts";
import { SGX_RULES, SIMULATOR_RULES, TDX_RULES } from "./intel-rules.ts";
import { NVIDIA_RULES } from "./nvidia-rules.ts";
import type { Rule, RuleTable } from "./rule.ts";
import { NITRO_RULES, NITRO_TPM_RULES, SNP_RULES } from "./vendor-rules.ts";
import {
  AZURE_SNP_RULES,
  AZURE_TDX_RULES,
  DSTACK_NITRO_RULES,
  DSTACK_NITRO_TPM_RULES,
  DSTACK_RULES,
  DSTACK_SNP_RULES,
} from "./wrapped-rules.ts";

/** By name and not by shape: a declaration file that wrote all of it out would be endless. */
interface Rules {
  readonly sgx: typeof SGX_RULES;
  readonly tdx: typeof TDX_RULES;
  readonly snp: typeof SNP_RULES;
  readonly nitro: typeof NITRO_RULES;
  readonly nitroTpm: typeof NITRO_TPM_RULES;
  readonly nvidia: typeof NVIDIA_RULES;
  readonly azureSnp: typeof AZURE_SNP_RULES;
  readonly azureTdx: typeof AZURE_TDX_RULES;
  readonly dstack: typeof DSTACK_RULES;
  readonly dstackSnp: typeof DSTACK_SNP_RULES;
  readonly dstackNitro: typeof DSTACK_NITRO_RULES;
  readonly dstackNitroTpm: typeof DSTACK_NITRO_TPM_RULES;
  readonly simulator: typeof SIMULATOR_RULES;
}

/** Every kind's rules. A new kind does not compile until it has some. */
export const RULES: Rules = {
  sgx: SGX_RULES,
  tdx: TDX_RULES,
  snp: SNP_RULES,
  nitro: NITRO_RULES,
  nitroTpm: NITRO_TPM_RULES,
  nvidia: NVIDIA_RULES,
  azureSnp: AZURE_SNP_RULES,
  azureTdx: AZURE_TDX_RULES,
  dstack: DSTACK_RULES,
  dstackSnp: DSTACK_SNP_RULES,
  dstackNitro: DSTACK_NITRO_RULES,
  dstackNitroTpm: DSTACK_NITRO_TPM_RULES,
  simulator: SIMULATOR_RULES,
} satisfies { readonly [Kind in EvidenceKind]: RuleTable<Kind> };

type Demand<R> = R extends { readonly schema: infer Schema extends z.ZodType } ? z.infer<Schema> : never;

/** A kind is refused, or each of its rules says what it demands. */
type Section<Kind extends EvidenceKind> =
  { refuse: true } | { -readonly [Name in keyof Rules[Kind]]: Demand<Rules[Kind][Name]> };

/** Appraisal Policy for Evidence (RFC 9334 §8.5), complete: `policy-file.ts` reads files of every version as one of these. */
export type AppraisalPolicy = {
  version: 1 | 2 | 3;
  pieces: "all" | { needs: EvidenceKind[]; boundGpus?: true | undefined };
} & { [Kind in EvidenceKind]: Section<Kind> };

type SectionShape<Table> = {
  [Name in keyof Table]: Table[Name] extends Rule<never, infer Schema> ? Schema : never;
};

const refuse = z.strictObject({ refuse: z.literal(true) });

/** A kind is refused in words, or each of its rules is there: nothing is optional, nothing has a default. */
function sectionSchema<Table extends Readonly<Record<string, { readonly schema: z.ZodType }>>>(table: Table) {
  const shape = Object.fromEntries(Object.entries(table).map(([name, rule]) => [name, rule.schema]));
  return z.union([refuse, z.strictObject(shape as SectionShape<Table> & z.ZodRawShape)]);
}

const KINDS = Object.keys(RULES) as [EvidenceKind, ...EvidenceKind[]];

/**
 * Which pieces of a document must be accepted: all that are in it; or one at least of each kind that is named, where pieces of
 * other kinds are judged and decide nothing. A piece that is not genuine is never passed over. `boundGpus`: evidence of GPUs is
 * accepted only where it answers a nonce that the CPU's evidence beside it binds.
 */
export const piecesSchema: z.ZodType<AppraisalPolicy["pieces"]> = z.union([
  z.literal("all"),
  z.strictObject({ needs: z.array(z.enum(KINDS)).min(1), boundGpus: z.literal(true).optional() }),
]);

export const versionSchema: z.ZodType<AppraisalPolicy["version"]> = z.literal([1, 2, 3]);

/**
 * Appraisal Policy for Evidence (RFC 9334 §8.5), complete. What is not checked says `{"acceptAny": true}`, what is not
 * accepted at all says `{"refuse": true}`; there is no optional field and no default (`policy-file.ts` reads files of
 * every version as one of these).
 */
export const appraisalPolicySchema = z.strictObject({
  version: versionSchema,
  pieces: piecesSchema,
  sgx: sectionSchema(SGX_RULES),
  tdx: sectionSchema(TDX_RULES),
  snp: sectionSchema(SNP_RULES),
  nitro: sectionSchema(NITRO_RULES),
  nitroTpm: sectionSchema(NITRO_TPM_RULES),
  nvidia: sectionSchema(NVIDIA_RULES),
  azureSnp: sectionSchema(AZURE_SNP_RULES),
  azureTdx: sectionSchema(AZURE_TDX_RULES),
  dstack: sectionSchema(DSTACK_RULES),
  dstackSnp: sectionSchema(DSTACK_SNP_RULES),
  dstackNitro: sectionSchema(DSTACK_NITRO_RULES),
  dstackNitroTpm: sectionSchema(DSTACK_NITRO_TPM_RULES),
  /** Anyone can make this evidence. Anything but `refuse` is for demonstrations and tests. */
  simulator: sectionSchema(SIMULATOR_RULES),
}) as unknown as z.ZodType<AppraisalPolicy>;
