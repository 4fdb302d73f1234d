/** Rules for evidence around a hardware report: Azure's vTPM on SEV-SNP and TDX, and what a dstack guest says it runs. */

import * as z from "zod";
import type { DstackAppInfo } from "../dstack/app-info.ts";
import type { VerifiedEvidence } from "../evidence/verified-evidence.ts";
import { byIndexSchema, proposeByIndex } from "./by-index.ts";
import { withCombinations } from "./combinations.ts";
import { TD_RULES } from "./intel-rules.ts";
import { hexValue, oneOfRule, refusal, type Rule, type RuleTable } from "./rule.ts";
import { NITRO_FIELD_RULES, NITRO_TPM_RULES, SNP_FIELD_RULES } from "./vendor-rules.ts";

type AzureKind = "azureSnp" | "azureTdx";
type DstackKind = "dstack" | "dstackSnp" | "dstackNitro" | "dstackNitroTpm";

/** Which kind's claims each wraps. */
interface HardwareKinds {
  readonly azureSnp: "snp";
  readonly azureTdx: "tdx";
  readonly dstack: "tdx";
  readonly dstackSnp: "snp";
  readonly dstackNitro: "nitro";
  readonly dstackNitroTpm: "nitroTpm";
}
type WrappedKind = keyof HardwareKinds;
type HardwareKind<Kind extends WrappedKind> = HardwareKinds[Kind];

/** The same rules, given the hardware's claims: report data, debug, dates and checks are shared as they are. */
function onHardware<Kind extends WrappedKind, Table extends RuleTable<HardwareKind<Kind>>>(
  table: Table,
): {
  readonly [Name in keyof Table]: Rule<Kind, Table[Name]["schema"]>;
} {
  const hardwareOf = (evidence: VerifiedEvidence<Kind>): VerifiedEvidence<HardwareKind<Kind>> => {
    const { claims } = evidence as { readonly claims: { readonly hardware: unknown } };
    return { ...evidence, claims: claims.hardware } as unknown as VerifiedEvidence<HardwareKind<Kind>>;
  };
  const wrapped = Object.entries(table).map(([name, rule]) => [
    name,
    {
      schema: rule.schema,
      appraise: (evidence, demand, context) => rule.appraise(hardwareOf(evidence), demand, context),
      propose: (evidence) => rule.propose(hardwareOf(evidence)),
      ...(rule.since === undefined ? {} : { since: rule.since }),
      ...(rule.read === undefined
        ? {}
        : { read: (evidence: VerifiedEvidence<Kind>) => rule.read?.(hardwareOf(evidence)) ?? null }),
    } satisfies Rule<Kind>,
  ]);
  return Object.fromEntries(wrapped) as { readonly [Name in keyof Table]: Rule<Kind, Table[Name]["schema"]> };
}

/** Quoted PCRs by index: each that is listed has one of its values. */
function pcrsRule<Kind extends AzureKind>() {
  const schema = byIndexSchema(z.string().regex(/^(?:1?\d|2[0-3])$/), hexValue(32));
  return {
    schema,
    appraise: ({ claims: { vtpm } }, demand) => {
      if ("acceptAny" in demand) return `${Object.keys(vtpm.pcrs).length} quoted (any accepted)`;
      for (const [pcr, values] of Object.entries(demand.byIndex)) {
        const actual = vtpm.pcrs[pcr];
        if (actual === undefined || !values.includes(actual)) {
          throw refusal("APPRAISAL_MEASUREMENT_UNKNOWN", `PCR${pcr} is not one of the reference values`, {
            claim: `PCR${pcr}`,
            actual: actual ?? "not quoted",
          });
        }
      }
      return `${Object.keys(demand.byIndex).length} compared`;
    },
    propose: ({ claims: { vtpm } }) => proposeByIndex(Object.entries(vtpm.pcrs)),
  } as const satisfies Rule<Kind, typeof schema>;
}

function vtpmRules<Kind extends AzureKind>() {
  const code = "APPRAISAL_ATTRIBUTE_UNACCEPTABLE";
  return {
    pcrs: pcrsRule<Kind>(),
    /** "true" where the VM's firmware checks signatures of what it boots. */
    secureBoot: oneOfRule<Kind, string>(z.enum(["true", "false"]), {
      claim: "secureBoot",
      code,
      propose: "observed",
      read: ({ claims: { vtpm } }) => (vtpm.secureBoot === null ? null : String(vtpm.secureBoot)),
    }),
    vmUniqueId: oneOfRule<Kind, string>(z.string().max(64), {
      claim: "vmUniqueId",
      code,
      propose: "acceptAny",
      read: ({ claims: { vtpm } }) => vtpm.vmUniqueId,
    }),
  } as const satisfies RuleTable<Kind>;
}

const AZURE_SNP_FIELD_RULES = {
  ...onHardware<"azureSnp", typeof SNP_FIELD_RULES>(SNP_FIELD_RULES),
  ...vtpmRules<"azureSnp">(),
} as const satisfies RuleTable<"azureSnp">;

const AZURE_TDX_FIELD_RULES = {
  ...onHardware<"azureTdx", typeof TD_RULES>(TD_RULES),
  ...vtpmRules<"azureTdx">(),
} as const satisfies RuleTable<"azureTdx">;

function appRule<Kind extends DstackKind>(
  claim: keyof DstackAppInfo,
  options: { readonly bytes: number | null; readonly propose: "observed" | "acceptAny" },
) {
  return oneOfRule<Kind, `0x${string}`>(hexValue(options.bytes), {
    claim,
    code: "APPRAISAL_MEASUREMENT_UNKNOWN",
    propose: options.propose,
    read: ({ claims: { app } }) => app[claim],
  });
}

function appRules<Kind extends DstackKind>() {
  return {
    appId: appRule<Kind>("appId", { bytes: 20, propose: "observed" }),
    composeHash: appRule<Kind>("composeHash", { bytes: 32, propose: "observed" }),
    instanceId: appRule<Kind>("instanceId", { bytes: null, propose: "acceptAny" }),
    osImageHash: appRule<Kind>("osImageHash", { bytes: 32, propose: "observed" }),
    keyProvider: appRule<Kind>("keyProvider", { bytes: null, propose: "observed" }),
  } as const satisfies RuleTable<Kind>;
}

const DSTACK_FIELD_RULES = {
  ...onHardware<"dstack", typeof TD_RULES>(TD_RULES),
  ...appRules<"dstack">(),
} as const satisfies RuleTable<"dstack">;

const DSTACK_SNP_FIELD_RULES = {
  ...onHardware<"dstackSnp", typeof SNP_FIELD_RULES>(SNP_FIELD_RULES),
  ...appRules<"dstackSnp">(),
} as const satisfies RuleTable<"dstackSnp">;

/** In an enclave the image's PCRs name the application, and the guest says nothing else. */
const DSTACK_NITRO_FIELD_RULES = {
  ...onHardware<"dstackNitro", typeof NITRO_FIELD_RULES>(NITRO_FIELD_RULES),
  osImageHash: appRule<"dstackNitro">("osImageHash", { bytes: 32, propose: "observed" }),
} as const satisfies RuleTable<"dstackNitro">;

const DSTACK_NITRO_TPM_FIELD_RULES = {
  ...onHardware<"dstackNitroTpm", typeof NITRO_TPM_RULES>(NITRO_TPM_RULES),
  ...appRules<"dstackNitroTpm">(),
} as const satisfies RuleTable<"dstackNitroTpm">;

export const AZURE_SNP_RULES = withCombinations<"azureSnp", typeof AZURE_SNP_FIELD_RULES>(
  AZURE_SNP_FIELD_RULES,
);
export const AZURE_TDX_RULES = withCombinations<"azureTdx", typeof AZURE_TDX_FIELD_RULES>(
  AZURE_TDX_FIELD_RULES,
);
export const DSTACK_RULES = withCombinations<"dstack", typeof DSTACK_FIELD_RULES>(DSTACK_FIELD_RULES);
export const DSTACK_SNP_RULES = withCombinations<"dstackSnp", typeof DSTACK_SNP_FIELD_RULES>(
  DSTACK_SNP_FIELD_RULES,
);
export const DSTACK_NITRO_RULES = withCombinations<"dstackNitro", typeof DSTACK_NITRO_FIELD_RULES>(
  DSTACK_NITRO_FIELD_RULES,
);
export const DSTACK_NITRO_TPM_RULES = withCombinations<"dstackNitroTpm", typeof DSTACK_NITRO_TPM_FIELD_RULES>(
  DSTACK_NITRO_TPM_FIELD_RULES,
);
