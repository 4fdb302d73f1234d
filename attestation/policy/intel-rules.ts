import * as z from "zod";
import { fromHex } from "../../protocol/bytes.ts";
import { verifyDstackAppInfo } from "../dstack/app-info.ts";
import type { SgxClaims, TdxClaims } from "../intel/claims.ts";
import { withCombinations } from "./combinations.ts";
import { bitsRule, SGX_ATTRIBUTE_BITS, TD_ATTRIBUTE_BITS, XFAM_BITS, type BitNames } from "./named-bits.ts";
import {
  acceptAny,
  boundRule,
  componentsRule,
  hexValue,
  oneOfRule,
  refusal,
  sinceVersion2,
  type ClaimRuleOptions,
  type Rule,
  type RuleTable,
} from "./rule.ts";
import {
  advisoriesRule,
  debugRule,
  freshnessRule,
  platformIdsRule,
  reportDataRule,
  tcbStatusRule,
} from "./shared-rules.ts";

type TdKind = "tdx" | "simulator";
type HexClaim<Claims> = {
  [K in keyof Claims]: Claims[K] extends `0x${string}` | null ? K : never;
}[keyof Claims];

function tdMeasurement<Kind extends TdKind>(
  claim: HexClaim<TdxClaims>,
  propose: ClaimRuleOptions<Kind, string>["propose"],
) {
  const code = "APPRAISAL_MEASUREMENT_UNKNOWN";
  return oneOfRule<Kind, `0x${string}`>(hexValue(48), {
    claim,
    code,
    propose,
    read: ({ claims }) => claims[claim],
  });
}

function tdAttribute<Kind extends TdKind>(claim: HexClaim<TdxClaims>) {
  const code = "APPRAISAL_ATTRIBUTE_UNACCEPTABLE";
  const propose = "observed";
  return oneOfRule<Kind, `0x${string}`>(hexValue(8), {
    claim,
    code,
    propose,
    read: ({ claims }) => claims[claim],
  });
}

function tdBits<Kind extends TdKind>(claim: "tdAttributes" | "xfam", bits: BitNames) {
  const read = ({ claims }: { readonly claims: TdxClaims }): `0x${string}` => claims[claim];
  return bitsRule<Kind>({ claim, bits, order: "little-endian", read });
}

/** Intel's platform, the same for SGX and TDX. */
function platformRules<Kind extends TdKind | "sgx">() {
  return {
    debug: debugRule<Kind>(),
    tcbStatuses: tcbStatusRule<Kind>(),
    advisories: advisoriesRule<Kind>(),
    tcbEvaluationDataNumber: boundRule<Kind>("atLeast", {
      claim: "tcbEvaluationDataNumber",
      code: "APPRAISAL_TCB_UNACCEPTABLE",
      read: ({ claims }) => claims.tcbEvaluationDataNumber,
      propose: "observed",
    }),
    cpuSvn: sinceVersion2(
      componentsRule<Kind>(16, {
        claim: "cpuSvn",
        code: "APPRAISAL_TCB_UNACCEPTABLE",
        read: ({ claims }) => claims.cpuSvn,
      }),
    ),
    pceSvn: sinceVersion2(
      boundRule<Kind>("atLeast", {
        claim: "pceSvn",
        code: "APPRAISAL_TCB_UNACCEPTABLE",
        read: ({ claims }) => claims.pceSvn,
        propose: "observed",
      }),
    ),
    platformIds: platformIdsRule<Kind>(),
  } as const;
}

/** dstack's event log, replayed to RTMR3: which application this is. MRTD and RTMR 0 to 2 must be pinned for it to mean that. */
function dstackRule<Kind extends TdKind>() {
  const name = (bytes: number) =>
    z.union([z.strictObject({ oneOf: z.array(hexValue(bytes)).min(1) }), acceptAny]);
  const schema = z.union([z.strictObject({ appId: name(20), composeHash: name(32) }), acceptAny]);
  return {
    schema,
    appraise: (evidence, demand, { eventLog }) => {
      if ("acceptAny" in demand) return "not read (any accepted)";
      if (eventLog === null) {
        throw refusal("APPRAISAL_MEASUREMENT_UNKNOWN", "the policy reads the event log, and none was given", {
          claim: "rtMr3",
        });
      }
      const info = verifyDstackAppInfo(eventLog, fromHex(evidence.claims.rtMr3));
      for (const claim of ["appId", "composeHash"] as const) {
        const rule = demand[claim];
        const actual = info[claim];
        if (!("acceptAny" in rule) && (actual === null || !rule.oneOf.includes(actual))) {
          const details = { claim, actual: actual ?? "absent" };
          throw refusal(
            "APPRAISAL_MEASUREMENT_UNKNOWN",
            `${claim} is not one that the policy accepts`,
            details,
          );
        }
      }
      return `app ${info.appId ?? "absent"}, compose ${info.composeHash ?? "absent"}`;
    },
    propose: () => ({ acceptAny: true }),
  } as const satisfies Rule<Kind, typeof schema>;
}

function tdRules<Kind extends TdKind>() {
  return {
    ...platformRules<Kind>(),
    teeTcbSvn: componentsRule<Kind>(16, {
      claim: "teeTcbSvn",
      code: "APPRAISAL_TCB_UNACCEPTABLE",
      read: ({ claims }) => claims.teeTcbSvn,
    }),
    mrTd: tdMeasurement<Kind>("mrTd", "observed"),
    rtMr0: tdMeasurement<Kind>("rtMr0", "observed"),
    rtMr1: tdMeasurement<Kind>("rtMr1", "observed"),
    rtMr2: tdMeasurement<Kind>("rtMr2", "observed"),
    rtMr3: tdMeasurement<Kind>("rtMr3", "observed"),
    mrConfigId: tdMeasurement<Kind>("mrConfigId", "observed"),
    mrOwner: tdMeasurement<Kind>("mrOwner", "observed"),
    mrOwnerConfig: tdMeasurement<Kind>("mrOwnerConfig", "observed"),
    mrSeam: tdMeasurement<Kind>("mrSeam", "acceptAny"),
    mrServiceTd: tdMeasurement<Kind>("mrServiceTd", "observed"),
    tdAttributes: tdAttribute<Kind>("tdAttributes"),
    tdAttributeBits: tdBits<Kind>("tdAttributes", TD_ATTRIBUTE_BITS),
    xfam: tdAttribute<Kind>("xfam"),
    xfamBits: tdBits<Kind>("xfam", XFAM_BITS),
    reportData: reportDataRule<Kind>(),
    freshness: freshnessRule<Kind>(),
  } as const satisfies RuleTable<Kind>;
}

/** Of a TD alone; where an event log explains its RTMR3 is for the kinds below. */
export const TD_RULES = tdRules<"tdx">();
export const TDX_RULES = withCombinations<
  "tdx",
  typeof TD_RULES & { rtMr3Events: ReturnType<typeof dstackRule<"tdx">> }
>({
  ...TD_RULES,
  rtMr3Events: dstackRule<"tdx">(),
});
export const SIMULATOR_RULES = withCombinations<
  "simulator",
  ReturnType<typeof tdRules<"simulator">> & { rtMr3Events: ReturnType<typeof dstackRule<"simulator">> }
>({
  ...tdRules<"simulator">(),
  rtMr3Events: dstackRule<"simulator">(),
});

function sgxBytes(
  bytes: number,
  claim: HexClaim<SgxClaims>,
  code: "APPRAISAL_MEASUREMENT_UNKNOWN" | "APPRAISAL_ATTRIBUTE_UNACCEPTABLE",
) {
  const options = {
    claim,
    code,
    propose: "observed",
    read: ({ claims }: { readonly claims: SgxClaims }) => claims[claim],
  } as const;
  return oneOfRule<"sgx", `0x${string}`>(hexValue(bytes), options);
}

const SGX_FIELD_RULES = {
  ...platformRules<"sgx">(),
  mrEnclave: sgxBytes(32, "mrEnclave", "APPRAISAL_MEASUREMENT_UNKNOWN"),
  mrSigner: sgxBytes(32, "mrSigner", "APPRAISAL_MEASUREMENT_UNKNOWN"),
  isvProdId: oneOfRule<"sgx", number>(z.int().min(0).max(0xffff), {
    claim: "isvProdId",
    code: "APPRAISAL_MEASUREMENT_UNKNOWN",
    read: ({ claims }) => claims.isvProdId,
    propose: "observed",
  }),
  isvSvn: boundRule<"sgx">("atLeast", {
    claim: "isvSvn",
    code: "APPRAISAL_TCB_UNACCEPTABLE",
    read: ({ claims }) => claims.isvSvn,
    propose: "observed",
  }),
  configId: sgxBytes(64, "configId", "APPRAISAL_MEASUREMENT_UNKNOWN"),
  attributes: sgxBytes(16, "attributes", "APPRAISAL_ATTRIBUTE_UNACCEPTABLE"),
  attributeBits: bitsRule<"sgx">({
    claim: "attributes",
    bits: SGX_ATTRIBUTE_BITS,
    order: "little-endian",
    read: ({ claims }) => claims.attributes,
  }),
  miscSelect: sgxBytes(4, "miscSelect", "APPRAISAL_ATTRIBUTE_UNACCEPTABLE"),
  reportData: reportDataRule<"sgx">(),
  freshness: freshnessRule<"sgx">(),
} as const satisfies RuleTable<"sgx">;

export const SGX_RULES = withCombinations<"sgx", typeof SGX_FIELD_RULES>(SGX_FIELD_RULES);
