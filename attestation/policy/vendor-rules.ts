/** Rules for AMD SEV-SNP and AWS Nitro. */

import * as z from "zod";
import type { Hex } from "../../protocol/bytes.ts";
import type { SnpClaims } from "../amd/claims.ts";
import type { EvidenceKind, VerifiedEvidence } from "../evidence/verified-evidence.ts";
import { byIndexSchema, proposeByIndex } from "./by-index.ts";
import { withCombinations } from "./combinations.ts";
import { bitsRule, GUEST_POLICY_BITS, PLATFORM_INFO_BITS, type BitNames } from "./named-bits.ts";
import {
  acceptAny,
  acceptedUnestablished,
  boundRule,
  hexValue,
  oneOfRule,
  refusal,
  type Rule,
  type RuleTable,
} from "./rule.ts";
import { debugRule, freshnessRule, platformIdsRule, reportDataRule } from "./shared-rules.ts";

type HexOf<Claims> = { [K in keyof Claims]: Claims[K] extends `0x${string}` ? K : never }[keyof Claims];

const MEASUREMENT = "APPRAISAL_MEASUREMENT_UNKNOWN";
const ATTRIBUTE = "APPRAISAL_ATTRIBUTE_UNACCEPTABLE";
const TCB = "APPRAISAL_TCB_UNACCEPTABLE";

function snpBytes(bytes: number, claim: HexOf<SnpClaims>, code: typeof MEASUREMENT | typeof ATTRIBUTE) {
  const read = ({ claims }: VerifiedEvidence<"snp">): `0x${string}` => claims[claim];
  return oneOfRule<"snp", `0x${string}`>(hexValue(bytes), { claim, code, propose: "observed", read });
}

function words<Kind extends EvidenceKind>(
  claim: string,
  read: (evidence: VerifiedEvidence<Kind>) => string | null,
) {
  return oneOfRule<Kind, string>(z.string().max(256), { claim, code: ATTRIBUTE, propose: "observed", read });
}

type TcbComponent = "fmc" | "bootLoader" | "tee" | "snp" | "microcode";

/** REPORTED_TCB: the version that the signing key was derived for, and so the one that counts. */
function snpTcb(component: TcbComponent) {
  const claim = `reportedTcb.${component}`;
  const read = ({ claims }: VerifiedEvidence<"snp">): number | null => claims.reportedTcb[component];
  return boundRule<"snp">("atLeast", { claim, code: TCB, propose: "observed", read });
}

function snpBits(claim: "policy" | "platformInfo", bits: BitNames) {
  return bitsRule<"snp">({ claim, bits, order: "big-endian", read: ({ claims }) => claims[claim] });
}

const COMPONENTS = [
  "fmc",
  "bootLoader",
  "tee",
  "snp",
  "microcode",
] as const satisfies readonly TcbComponent[];

/** `{"atLeast": {"snp": 24, …}}`: of another TCB than the reported one, each component that is named. */
function snpTcbFloor(claim: "currentTcb" | "committedTcb" | "launchTcb") {
  const floors = z
    .partialRecord(z.enum(COMPONENTS), z.int().min(0).max(255))
    .refine((named) => Object.keys(named).length > 0, 'name a component, or write {"acceptAny": true}');
  const schema = z.union([z.strictObject({ atLeast: floors }), acceptAny]);
  return {
    since: 2,
    schema,
    appraise: ({ claims }, demand) => {
      const tcb = claims[claim];
      const shown = COMPONENTS.flatMap((name) => (tcb[name] === null ? [] : [`${name} ${tcb[name]}`])).join(
        ", ",
      );
      if ("acceptAny" in demand) return `${shown} (any accepted)`;
      for (const [name, floor] of Object.entries(demand.atLeast) as [TcbComponent, number][]) {
        if ((tcb[name] ?? -1) < floor) {
          const details = { claim: `${claim}.${name}`, actual: tcb[name] ?? "absent", atLeast: floor };
          throw refusal(TCB, `${claim}.${name} is below the policy's minimum`, details);
        }
      }
      return shown;
    },
    propose: () => ({ acceptAny: true }) as const,
  } as const satisfies Rule<"snp", typeof schema>;
}

/** `{"bitsSet": "0x…"}`: mitigations that must be there, by their bits; firmware before report version 5 names none. */
function snpMitigations(claim: "currentMitVector" | "launchMitVector") {
  const schema = z.union([z.strictObject({ bitsSet: hexValue(8) }), acceptAny]);
  return {
    since: 2,
    schema,
    appraise: ({ claims }, demand) => {
      const vector = claims[claim];
      if ("acceptAny" in demand) return `${vector ?? "absent"} (any accepted)`;
      const wanted = BigInt(demand.bitsSet);
      if (vector === null || (BigInt(vector) & wanted) !== wanted) {
        const details = { claim, actual: vector ?? "absent", bitsSet: demand.bitsSet };
        throw refusal(TCB, `${claim} lacks a mitigation that the policy demands`, details);
      }
      return vector;
    },
    propose: () => ({ acceptAny: true }) as const,
  } as const satisfies Rule<"snp", typeof schema>;
}

/** Whether AMD's list of revoked ASKs must have been looked into. */
function askRevocationRule() {
  const schema = z.enum(["require", "acceptUnchecked"]);
  return {
    schema,
    appraise: ({ claims: { revocation } }, demand) => {
      if (revocation === "not-checked" && demand === "require") {
        throw refusal(ATTRIBUTE, "the policy requires AMD's revocation list, and none was given", {
          claim: "revocation",
          actual: revocation,
        });
      }
      return revocation === "checked" ? revocation : acceptedUnestablished(revocation);
    },
    propose: ({ claims: { revocation } }) => (revocation === "checked" ? "require" : "acceptUnchecked"),
  } as const satisfies Rule<"snp", typeof schema>;
}

export const SNP_FIELD_RULES = {
  debug: debugRule<"snp">(),
  product: words<"snp">("product", ({ claims }) => claims.product),
  reportedTcbFmc: snpTcb("fmc"),
  reportedTcbBootLoader: snpTcb("bootLoader"),
  reportedTcbTee: snpTcb("tee"),
  reportedTcbSnp: snpTcb("snp"),
  reportedTcbMicrocode: snpTcb("microcode"),
  revocation: askRevocationRule(),
  signingKey: words<"snp">("signingKey", ({ claims }) => claims.signingKey),
  platformIds: platformIdsRule<"snp">(),
  measurement: snpBytes(48, "measurement", MEASUREMENT),
  hostData: snpBytes(32, "hostData", MEASUREMENT),
  idKeyDigest: snpBytes(48, "idKeyDigest", MEASUREMENT),
  authorKeyDigest: snpBytes(48, "authorKeyDigest", MEASUREMENT),
  familyId: snpBytes(16, "familyId", MEASUREMENT),
  imageId: snpBytes(16, "imageId", MEASUREMENT),
  guestSvn: boundRule<"snp">("atLeast", {
    claim: "guestSvn",
    code: TCB,
    propose: "observed",
    read: ({ claims }) => claims.guestSvn,
  }),
  vmpl: boundRule<"snp">("atMost", {
    claim: "vmpl",
    code: ATTRIBUTE,
    propose: "observed",
    read: ({ claims }) => claims.vmpl,
  }),
  policy: snpBytes(8, "policy", ATTRIBUTE),
  policyBits: snpBits("policy", GUEST_POLICY_BITS),
  platformInfo: snpBytes(8, "platformInfo", ATTRIBUTE),
  platformInfoBits: snpBits("platformInfo", PLATFORM_INFO_BITS),
  currentTcb: snpTcbFloor("currentTcb"),
  committedTcb: snpTcbFloor("committedTcb"),
  launchTcb: snpTcbFloor("launchTcb"),
  currentMitVector: snpMitigations("currentMitVector"),
  launchMitVector: snpMitigations("launchMitVector"),
  reportData: reportDataRule<"snp">(),
  freshness: freshnessRule<"snp">(),
} as const satisfies RuleTable<"snp">;

function pcr(index: string, propose: "observed" | "acceptAny") {
  const read = ({ claims }: VerifiedEvidence<"nitro">): `0x${string}` | null => claims.pcrs[index] ?? null;
  return oneOfRule<"nitro", `0x${string}`>(hexValue(48), {
    claim: `PCR${index}`,
    code: MEASUREMENT,
    propose,
    read,
  });
}

export const NITRO_FIELD_RULES = {
  debug: debugRule<"nitro">(),
  /** Enclave image. */
  pcr0: pcr("0", "observed"),
  /** Kernel and bootstrap. */
  pcr1: pcr("1", "observed"),
  /** Application. */
  pcr2: pcr("2", "observed"),
  /** IAM role of the parent instance. */
  pcr3: pcr("3", "acceptAny"),
  /** Parent instance. */
  pcr4: pcr("4", "acceptAny"),
  /** Signer of the image. */
  pcr8: pcr("8", "observed"),
  platformIds: platformIdsRule<"nitro">(),
  publicKey: oneOfRule<"nitro", `0x${string}`>(hexValue(null), {
    claim: "publicKey",
    code: ATTRIBUTE,
    propose: "acceptAny",
    read: ({ claims }) => claims.publicKey,
  }),
  nonce: oneOfRule<"nitro", `0x${string}`>(hexValue(null), {
    claim: "nonce",
    code: "APPRAISAL_REPORT_DATA_MISMATCH",
    propose: "acceptAny",
    read: ({ claims }) => claims.nonce,
  }),
  reportData: reportDataRule<"nitro">(),
  freshness: freshnessRule<"nitro">(),
} as const satisfies RuleTable<"nitro">;

/** What a policy for a NitroTPM must say, since no value of it makes the instance confidential. */
function hostReadableRule() {
  const schema = z.literal("acceptReadableByTheHost");
  return {
    schema,
    appraise: ({ claims: { memory } }) => acceptedUnestablished(memory),
    propose: () => "acceptReadableByTheHost" as const,
  } as const satisfies Rule<"nitroTpm", typeof schema>;
}

/** PCRs of a NitroTPM by index: each that is listed has one of its values. */
function tpmPcrsRule() {
  const schema = byIndexSchema(z.string().regex(/^(?:1?\d|2[0-3])$/), hexValue(48));
  return {
    schema,
    appraise: ({ claims: { pcrs } }, demand) => {
      if ("acceptAny" in demand) return `${Object.keys(pcrs).length} signed (any accepted)`;
      for (const [index, values] of Object.entries(demand.byIndex)) {
        const actual = pcrs[index];
        if (actual === undefined || !values.includes(actual)) {
          const details = { claim: `PCR${index}`, actual: actual ?? "absent" };
          throw refusal(MEASUREMENT, `PCR${index} is not one of the reference values`, details);
        }
      }
      return `${Object.keys(demand.byIndex).length} compared`;
    },
    propose: ({ claims: { pcrs } }) => proposeByIndex(Object.entries(pcrs).filter(isMeasured)),
  } as const satisfies Rule<"nitroTpm", typeof schema>;
}

/** PCRs that nothing was extended into say nothing of an image. */
function isMeasured([, value]: readonly [string, Hex]): boolean {
  return !/^0x(?:0*|f*)$/.test(value);
}

export const NITRO_TPM_RULES = {
  memory: hostReadableRule(),
  pcrs: tpmPcrsRule(),
  publicKey: oneOfRule<"nitroTpm", `0x${string}`>(hexValue(null), {
    claim: "publicKey",
    code: ATTRIBUTE,
    propose: "acceptAny",
    read: ({ claims }) => claims.publicKey,
  }),
  nonce: oneOfRule<"nitroTpm", `0x${string}`>(hexValue(null), {
    claim: "nonce",
    code: "APPRAISAL_REPORT_DATA_MISMATCH",
    propose: "acceptAny",
    read: ({ claims }) => claims.nonce,
  }),
  reportData: reportDataRule<"nitroTpm">(),
  freshness: freshnessRule<"nitroTpm">(),
} as const satisfies RuleTable<"nitroTpm">;

export const SNP_RULES = withCombinations<"snp", typeof SNP_FIELD_RULES>(SNP_FIELD_RULES);
export const NITRO_RULES = withCombinations<"nitro", typeof NITRO_FIELD_RULES>(NITRO_FIELD_RULES);
