/** A token against the policy that names whom one believes, and how it is told. */

import { appraiseResult } from "../../attestation/results/appraise-result.ts";
import { parseResultPolicyFile } from "../../attestation/results/result-policy.ts";
import { verifyResult, type VerifiedResult } from "../../attestation/results/verify-result.ts";
import { toIsoTime } from "../../attestation/time/unix-time.ts";
import { isShownFalse } from "../../attestation/verdict/verdict.ts";
import { AdytonError } from "../../protocol/errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { readInput } from "../input-file.ts";
import { printableLine } from "../terminal.ts";
import { readEvidenceDemands } from "../verify/evidence-options.ts";
import { readEvidenceTarget } from "../verify/evidence-target.ts";

export interface ResultOutcome {
  readonly exitCode: ExitCode;
  readonly lines: readonly string[];
}

/** What the token says of itself is in the lines too, with nothing that a terminal would obey. */
export async function checkResultFile(
  file: string,
  options: { readonly policy: string; readonly time?: string },
): Promise<ResultOutcome> {
  const { exitCode, lines } = await checkResult(file, options);
  return { exitCode, lines: lines.map(printableLine) };
}

/** @throws {InputError} for a file that cannot be read, or a policy that is none */
async function checkResult(
  file: string,
  options: { readonly policy: string; readonly time?: string },
): Promise<ResultOutcome> {
  const { now } = await readEvidenceDemands(options.time === undefined ? {} : { time: options.time });
  const policy = parseResultPolicyFile(readInput(options.policy), options.policy);
  const { bytes } = await readEvidenceTarget(file);
  let result: VerifiedResult | undefined;
  try {
    result = await verifyResult(bytes, { believe: policy.believe, now });
    const checks = appraiseResult(result, policy, { now });
    return {
      exitCode: ExitCode.ok,
      lines: [
        ...describe(result),
        ...checks.map(({ name, detail }) => `  ok    ${name}: ${detail}`),
        `On the word of ${result.issuer}: what your policy asks for. This is no evidence.`,
      ],
    };
  } catch (error) {
    if (!(error instanceof AdytonError)) throw error;
    const { code, message } = error as AdytonError;
    if (code.startsWith("INPUT_")) throw error;
    const [exitCode, verdict] = outcomeOf(code);
    return {
      exitCode,
      lines: [...(result === undefined ? [] : describe(result)), `${message} [${code}]`, verdict],
    };
  }
}

function outcomeOf(code: string): readonly [ExitCode, string] {
  if (code.startsWith("APPRAISAL_"))
    return [ExitCode.refused, "Said by them, and not what your policy asks for."];
  return isShownFalse(code)
    ? [ExitCode.notGenuine, "Not what it says it is."]
    : [ExitCode.cannotJudge, "Cannot be judged."];
}

function describe({ scheme, issuer, signedBy, issuedAt, expiresAt }: VerifiedResult): readonly string[] {
  return [
    `Attestation result (${scheme}): the word of ${issuer}`,
    `  ok    signature: by ${signedBy}`,
    `  ok    dates: said at ${toIsoTime(issuedAt)}, until ${toIsoTime(expiresAt)}`,
  ];
}
