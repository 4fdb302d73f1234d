/** Bits that vendors name, and the rule that demands some of them: a word compared whole would refuse for a bit that nobody cares about. */

import * as z from "zod";
import { AppraisalError } from "../../protocol/errors.ts";
import type { EvidenceKind, VerifiedEvidence } from "../evidence/verified-evidence.ts";
import { acceptAny, type Rule } from "./rule.ts";

/** Name to bit number, from the least significant. */
export type BitNames = Readonly<Record<string, number>>;

/** PLATFORM_INFO (AMD 56860 rev. 1.58, table 23). */
export const PLATFORM_INFO_BITS = {
  smtEnabled: 0,
  tsmeEnabled: 1,
  eccEnabled: 2,
  raplDisabled: 3,
  ciphertextHidingDram: 4,
  /** No DIMM shows memory twice: the answer to BadRAM (AMD-SB-3015). */
  aliasCheckComplete: 5,
  tioEnabled: 7,
} as const satisfies BitNames;

/** Guest policy (AMD 56860 rev. 1.58, table 9), above the two version bytes. */
export const GUEST_POLICY_BITS = {
  smtAllowed: 16,
  migrationAgentAllowed: 18,
  debugAllowed: 19,
  singleSocket: 20,
  cxlAllowed: 21,
  memoryAes256Xts: 22,
  raplDisabled: 23,
  ciphertextHidingDram: 24,
  pageSwapDisabled: 25,
} as const satisfies BitNames;

/** TD_ATTRIBUTES (Intel TDX module 1.5 ABI specification, ATTRIBUTES). */
export const TD_ATTRIBUTE_BITS = {
  debug: 0,
  lass: 27,
  septVeDisable: 28,
  migratable: 29,
  pks: 30,
  kl: 31,
  tpa: 62,
  perfmon: 63,
} as const satisfies BitNames;

/** XFAM: state components as in XCR0 and IA32_XSS (Intel SDM vol. 1, §13.1). */
export const XFAM_BITS = {
  x87: 0,
  sse: 1,
  avx: 2,
  avx512Opmask: 5,
  avx512ZmmHi256: 6,
  avx512Hi16Zmm: 7,
  pt: 8,
  pkru: 9,
  cetUser: 11,
  cetSupervisor: 12,
  userInterrupts: 14,
  lbr: 15,
  amxTileConfig: 17,
  amxTileData: 18,
  apx: 19,
} as const satisfies BitNames;

/** ATTRIBUTES.FLAGS (Intel SDM vol. 3D, table 38-3). */
export const SGX_ATTRIBUTE_BITS = {
  init: 0,
  debug: 1,
  mode64: 2,
  provisionKey: 4,
  einitTokenKey: 5,
  cet: 6,
  kss: 7,
  aexNotify: 10,
} as const satisfies BitNames;

export interface BitsRuleOptions<Kind extends EvidenceKind> {
  readonly claim: string;
  readonly bits: BitNames;
  readonly read: (evidence: VerifiedEvidence<Kind>) => `0x${string}`;
  /** How the claim's hex is written. */
  readonly order: "big-endian" | "little-endian";
}

/** `{"set": [names], "clear": [names]}`, or `{"acceptAny": true}`. */
export function bitsRule<Kind extends EvidenceKind>({ claim, bits, read, order }: BitsRuleOptions<Kind>) {
  const names = z.array(z.enum(Object.keys(bits) as [string, ...string[]]));
  const schema = z.union([
    z
      .strictObject({ set: names, clear: names })
      .refine(({ set, clear }) => set.length + clear.length > 0, 'name a bit, or write {"acceptAny": true}')
      .refine(
        ({ set, clear }) => !set.some((name) => clear.includes(name)),
        "a bit cannot be both set and clear",
      ),
    acceptAny,
  ]);
  return {
    since: 2,
    schema,
    appraise: (evidence, demand) => {
      const word = toNumber(read(evidence), order);
      const isSet = (name: string): boolean => ((word >> BigInt(bits[name] as number)) & 1n) === 1n;
      const on = Object.keys(bits).filter(isSet);
      const shown = on.length === 0 ? "none set" : on.join(", ");
      if ("acceptAny" in demand) return `${shown} (any accepted)`;
      const wrong = demand.set.find((name) => !isSet(name)) ?? demand.clear.find(isSet);
      if (wrong !== undefined) {
        throw new AppraisalError({
          code: "APPRAISAL_ATTRIBUTE_UNACCEPTABLE",
          message: `the policy demands that ${wrong} of ${claim} is ${demand.set.includes(wrong) ? "set" : "clear"}`,
          details: { claim: `${claim}.${wrong}`, actual: isSet(wrong) ? "set" : "clear" },
        });
      }
      return [
        ...demand.set.map((name) => `${name} set`),
        ...demand.clear.map((name) => `${name} clear`),
      ].join(", ");
    },
    propose: () => ({ acceptAny: true }) as const,
  } as const satisfies Rule<Kind, typeof schema>;
}

function toNumber(hex: `0x${string}`, order: BitsRuleOptions<never>["order"]): bigint {
  if (order === "big-endian") return BigInt(hex);
  const bytes = hex.slice(2).match(/../g) ?? [];
  return BigInt(`0x${bytes.reverse().join("")}`);
}
