/** Policies with a rule changed, and what they say of evidence of our own vendors. */

import { verifyNvidiaEvidenceUnder } from "../../attestation/nvidia/verify-nvidia-evidence.ts";
import { appraiseEvidence } from "../../attestation/policy/appraise.ts";
import { type AppraisalPolicy } from "../../attestation/policy/policy.ts";
import { parseAppraisalPolicy } from "../../attestation/policy/policy-file.ts";
import type { EvidenceKind, VerifiedEvidence } from "../../attestation/evidence/verified-evidence.ts";
import { codeOf } from "./code-of.ts";
import { mintNvidiaWorld, NVIDIA_NOW, type NvidiaPlan } from "./fake-nvidia.ts";

export async function nvidia(...plans: readonly Partial<NvidiaPlan>[]) {
  const worlds = await Promise.all((plans.length === 0 ? [{}] : plans).map((plan) => mintNvidiaWorld(plan)));
  return await verifyNvidiaEvidenceUnder(
    worlds[0]!.roots,
    worlds.map(({ device }) => device),
    { now: NVIDIA_NOW },
  );
}

export const appraise = (evidence: VerifiedEvidence, policy: AppraisalPolicy, now = evidence.verifiedAt) =>
  codeOf(() => appraiseEvidence(evidence, policy, { now }));

export const changed = (policy: AppraisalPolicy, kind: EvidenceKind, rules: object): AppraisalPolicy =>
  parseAppraisalPolicy({ ...policy, [kind]: { ...policy[kind], ...rules } });

export const MEASUREMENT = "APPRAISAL_MEASUREMENT_UNKNOWN";
export const ATTRIBUTE = "APPRAISAL_ATTRIBUTE_UNACCEPTABLE";
export const TCB = "APPRAISAL_TCB_UNACCEPTABLE";
export const PLATFORM = "APPRAISAL_PLATFORM_UNKNOWN";
export const BINDING = "APPRAISAL_REPORT_DATA_MISMATCH";
export const hex = (bytes: number) => ({ oneOf: [`0x${"ab".repeat(bytes)}`] });
