/**
 * The result as an EAT Attestation Result in JSON, for systems that read those.
 *
 * Source: draft-ietf-rats-ear (JSON serialisation, §3), draft-ietf-rats-ar4si (trustworthiness claims, §2.3). Both are
 * drafts: the profile names the version. Signing it, as a JWT or otherwise, is the caller's.
 */

import type { AppraisedEvidence } from "../policy/appraise.ts";
import type { UnixSeconds } from "../time/unix-time.ts";
import { checkSealed, type VerifiedEvidence } from "../evidence/verified-evidence.ts";

const PROFILE = "tag:github.com,2023:veraison/ear";

/** Trust tiers (AR4SI §3.2). */
export type EarStatus = "none" | "affirming" | "warning" | "contraindicated";

/** AR4SI §2.3: 0 makes no claim, 2 to 31 affirm, 32 to 95 warn, 96 and above contraindicate. */
export interface TrustworthinessVector {
  /** 2 recognised. */
  readonly "instance-identity": number;
  /** 2 approved. */
  readonly executables: number;
  /** 2 genuine, 32 genuine with known vulnerabilities, 96 revoked or unknown. */
  readonly hardware: number;
  /** 2 encrypted, 32 isolated from other guests only, 96 debug lets the host read it, 0 where that is not established. */
  readonly "runtime-opaque": number;
}

export interface Ear {
  readonly eat_profile: string;
  readonly iat: UnixSeconds;
  readonly "ear.verifier-id": { readonly developer: string; readonly build: string };
  readonly submods: Readonly<
    Record<
      string,
      {
        readonly "ear.status": EarStatus;
        readonly "ear.trustworthiness-vector": TrustworthinessVector;
        readonly "ear.appraisal-policy-id"?: string;
        readonly "adyton.claims": Readonly<Record<string, unknown>>;
      }
    >
  >;
}

export interface EarOptions {
  /** Version of the verifier. */
  readonly build: string;
  /** Names the policy, and nothing more: its URI or digest. */
  readonly policyId: string;
}

/** An attestation result of evidence that a policy accepted. */
export function toEar(appraised: AppraisedEvidence, { build, policyId }: EarOptions): Ear {
  const { evidence, appraisedAt } = appraised;
  checkSealed(evidence);
  const vector = {
    "instance-identity": isPinned(appraised, "platformIds") ? 2 : 0,
    executables: 2,
    hardware: hardwareClaim(evidence),
    "runtime-opaque": opaqueClaim(evidence),
  };
  const submod = {
    "ear.status": worstTier(Object.values(vector)),
    "ear.trustworthiness-vector": vector,
    "ear.appraisal-policy-id": policyId,
    "adyton.claims": { ...evidence.claims, tcbStatus: evidence.tcbStatus, reportData: evidence.reportData },
  };
  return envelope(evidence, { iat: appraisedAt, build, submod });
}

/** An attestation result of evidence that is genuine and that nobody appraised: its status is `none`. */
export function toUnappraisedEar(evidence: VerifiedEvidence, { build }: Pick<EarOptions, "build">): Ear {
  checkSealed(evidence);
  const submod = {
    "ear.status": "none" as const,
    "ear.trustworthiness-vector": {
      "instance-identity": 0,
      executables: 0,
      hardware: 0,
      "runtime-opaque": 0,
    },
    "adyton.claims": { ...evidence.claims, tcbStatus: evidence.tcbStatus, reportData: evidence.reportData },
  };
  return envelope(evidence, { iat: evidence.verifiedAt, build, submod });
}

interface EnvelopeParts {
  readonly iat: UnixSeconds;
  readonly build: string;
  readonly submod: Ear["submods"][string];
}

function envelope(evidence: VerifiedEvidence, { iat, build, submod }: EnvelopeParts): Ear {
  return {
    eat_profile: PROFILE,
    iat,
    "ear.verifier-id": { developer: "Adyton", build },
    submods: { [evidence.kind]: submod },
  };
}

function isPinned({ checks }: AppraisedEvidence, rule: string): boolean {
  return checks.some(({ name, detail }) => name === rule && !detail.endsWith("(any accepted)"));
}

function hardwareClaim(evidence: VerifiedEvidence): number {
  if (evidence.kind === "simulator") return 96;
  const isCurrent = evidence.tcbStatus === null || evidence.tcbStatus === "UpToDate";
  return isCurrent && evidence.advisories.length === 0 ? 2 : 32;
}

function opaqueClaim({ kind, debug }: VerifiedEvidence): number {
  if (kind === "nitroTpm" || kind === "dstackNitroTpm") return 32;
  if (debug === null) return 0;
  return debug ? 96 : 2;
}

function worstTier(claims: readonly number[]): EarStatus {
  const worst = Math.max(...claims);
  return worst >= 96 ? "contraindicated" : worst >= 32 ? "warning" : "affirming";
}
