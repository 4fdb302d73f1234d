/** Whether the GPUs of a document answered the CPU that stands beside them: evidence of both is easily put together. */

import { AppraisalError } from "../../protocol/errors.ts";
import type { Check, CheckSubject, VerifiedEvidence } from "../evidence/verified-evidence.ts";
import { findGpuBinding, toGpuNonce, type GpuBinding } from "../nvidia/gpu-binding.ts";
import type { JudgedPiece, JudgeOptions } from "./judge-piece.ts";
import { changeOutcome } from "./change-outcome.ts";
import { toVerdictCheck } from "./verdict.ts";

const SUBJECT: CheckSubject = {
  name: "GPUs and CPU",
  link: "hardware",
  compared: "the nonce that the GPUs answered with what the CPU's evidence binds",
};

const DETAILS: Readonly<Record<GpuBinding, string>> = {
  asked: "the GPUs answered the hash of the CPU evidence's report data: whoever made the one asked the other",
  "same-nonce":
    "both answered one nonce, so both are fresh; that the GPUs are in that machine is not shown by it",
};

const UNBOUND =
  "nothing in the document binds the GPUs to the CPU evidence beside them: they may be another machine's";

/** Adds the check to each genuine piece of GPUs that has a CPU's evidence beside it; a policy may demand that it holds. */
export function bindGpus(judged: JudgedPiece[], options: JudgeOptions): void {
  const cpus = judged.flatMap(({ evidence }) =>
    evidence === null || evidence.kind === "nvidia" ? [] : [evidence],
  );
  const demand = options.policy?.policy.pieces;
  const isDemanded = typeof demand === "object" && demand.boundGpus === true;
  for (const [index, piece] of judged.entries()) {
    const { evidence, verdict } = piece;
    if (evidence?.kind !== "nvidia" || (cpus.length === 0 && !isDemanded)) continue;
    const bound = strongest(cpus, evidence);
    if (bound === null && isDemanded) {
      judged[index] = changeOutcome(piece, { check: SUBJECT, error: notBound(evidence), options });
      continue;
    }
    const check = toVerdictCheck(describeBinding(cpus, evidence, bound));
    judged[index] = { evidence, verdict: { ...verdict, checks: [...verdict.checks, check] } };
  }
}

function strongest(cpus: readonly VerifiedEvidence[], gpu: VerifiedEvidence<"nvidia">): GpuBinding | null {
  const bindings = cpus.map((cpu) => findGpuBinding(cpu, gpu));
  return (
    bindings.find((binding) => binding === "asked") ?? bindings.find((binding) => binding !== null) ?? null
  );
}

function describeBinding(
  cpus: readonly VerifiedEvidence[],
  { claims: { nonce } }: VerifiedEvidence<"nvidia">,
  bound: GpuBinding | null,
): Check {
  if (bound !== null) return { ...SUBJECT, ok: true, detail: DETAILS[bound], expected: nonce, found: nonce };
  const reportData = cpus.find((cpu) => cpu.reportData !== null)?.reportData;
  return {
    ...SUBJECT,
    ok: true,
    state: "left open",
    detail: UNBOUND,
    ...(reportData === undefined || reportData === null ? {} : { expected: toGpuNonce(reportData) }),
    found: nonce,
  };
}

function notBound({ claims: { nonce } }: VerifiedEvidence<"nvidia">): AppraisalError {
  return new AppraisalError({
    code: "APPRAISAL_REPORT_DATA_MISMATCH",
    message: UNBOUND,
    details: { nonce },
  });
}
