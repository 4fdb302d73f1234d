/** A policy must not pin what nothing establishes: such a rule looks like a demand, and anybody can meet it. */

import type { EvidenceKind } from "../evidence/verified-evidence.ts";
import type { AppraisalPolicy } from "./policy.ts";
import { acceptsAny } from "./rule.ts";

interface Foundation {
  /** Rules whose claims are the word of what was launched. */
  readonly pinned: readonly string[];
  /** Each of these must be pinned too, or one of several: they say what was launched. */
  readonly needs: readonly (readonly string[])[];
  /** Whose word it is. */
  readonly speaker: string;
}

const TD_IMAGE = [["mrTd"], ["rtMr1"], ["rtMr2"]];
const SNP_IMAGE = [["measurement", "idKeyDigest", "authorKeyDigest"]];
const VTPM = ["pcrs", "secureBoot", "vmUniqueId"];
const APP = ["appId", "composeHash", "instanceId", "osImageHash", "keyProvider"];

/** By kind, the rules that mean nothing by themselves (docs/explanation/what-evidence-proves.md). */
const FOUNDATIONS: Readonly<Partial<Record<EvidenceKind, Foundation>>> = {
  tdx: { pinned: ["rtMr3Events"], needs: TD_IMAGE, speaker: "the guest's own" },
  simulator: { pinned: ["rtMr3Events"], needs: TD_IMAGE, speaker: "the guest's own" },
  azureSnp: { pinned: VTPM, needs: SNP_IMAGE, speaker: "the paravisor's" },
  azureTdx: { pinned: VTPM, needs: [["mrTd"]], speaker: "the paravisor's" },
  dstack: { pinned: APP, needs: TD_IMAGE, speaker: "the guest's own" },
  dstackSnp: { pinned: APP, needs: SNP_IMAGE, speaker: "the guest's own" },
};

/** By kind, what says which software runs: of each list one must be pinned. GPUs run what the software of their machine gives them. */
const SOFTWARE: Readonly<Record<Exclude<EvidenceKind, "nvidia">, readonly (readonly string[])[]>> = {
  sgx: [["mrEnclave", "mrSigner"]],
  tdx: TD_IMAGE,
  simulator: TD_IMAGE,
  snp: SNP_IMAGE,
  nitro: [["pcr0"]],
  nitroTpm: [["pcrs"]],
  azureSnp: [...SNP_IMAGE, ["pcrs"]],
  azureTdx: [["mrTd"], ["pcrs"]],
  dstack: [...TD_IMAGE, ["composeHash", "appId"]],
  dstackSnp: [...SNP_IMAGE, ["composeHash", "appId"]],
  dstackNitro: [["pcr0"]],
  dstackNitroTpm: [["pcrs"], ["composeHash", "appId"]],
};

/** Where a policy accepts software that it does not name, for a person; undefined where it names all of it. */
export function findOpenSoftware(policy: AppraisalPolicy): string | undefined {
  const kinds = Object.keys(SOFTWARE) as (keyof typeof SOFTWARE)[];
  const accepted = kinds.filter((kind) => !("refuse" in policy[kind]));
  if (accepted.length === 0) return "no evidence of a machine";
  for (const kind of accepted) {
    const open = SOFTWARE[kind].find((names) => !names.some((name) => isPinned(policy[kind], name)));
    if (open !== undefined)
      return `${kind} of any software: pin ${kind}.${open.join(" or ")}, or refuse ${kind}`;
  }
  return undefined;
}

export interface Unfounded {
  readonly rule: string;
  readonly message: string;
}

/** The first rule of a section that nothing establishes; undefined where all are. */
export function findUnfounded(
  kind: EvidenceKind,
  section: Readonly<Record<string, unknown>>,
): Unfounded | undefined {
  const foundation = FOUNDATIONS[kind];
  if (foundation === undefined) return undefined;
  const rule = foundation.pinned.find((name) => isPinned(section, name));
  const missing = foundation.needs.find((names) => !names.some((name) => isPinned(section, name)));
  if (rule === undefined || missing === undefined) return undefined;
  return {
    rule,
    message: `${kind}.${rule} is ${foundation.speaker} word, and ${kind}.${missing.join(" or ")} accepts any: nothing establishes it. Pin ${missing.join(" or ")}, or leave ${rule} open`,
  };
}

/** By a list of its own, or in every combination. */
function isPinned(section: Readonly<Record<string, unknown>>, name: string): boolean {
  const demand = section[name];
  if (demand !== undefined && !acceptsAny(demand)) return true;
  const combinations = section["combinations"] as { readonly oneOf?: readonly object[] } | undefined;
  return combinations?.oneOf?.every((values) => Object.hasOwn(values, name)) ?? false;
}
