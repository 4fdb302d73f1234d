import { AppraisalError } from "../../protocol/errors.ts";
import type { Check } from "../evidence/verified-evidence.ts";
import type { UnixSeconds } from "../time/unix-time.ts";
import type { ResultPolicy } from "./result-policy.ts";
import type { VerifiedResult } from "./verify-result.ts";

/**
 * Appraises somebody's word against `policy` (RFC 9334 §8.5, Appraisal Policy for Attestation Results).
 *
 * Establishes: it is recent, made for an audience that is accepted, and says what is asked.
 * Leaves to the caller: that its nonce is the one that was sent.
 *
 * @returns a check for each demand
 * @throws {AppraisalError} on the first that is not met; `details` names the value
 */
export function appraiseResult(
  result: VerifiedResult,
  policy: ResultPolicy,
  { now }: { readonly now: UnixSeconds },
): readonly Check[] {
  const age = now - result.issuedAt;
  if (age > policy.maxAgeSeconds) {
    throw new AppraisalError({
      code: "APPRAISAL_STALE",
      message: "the result is older than the policy allows",
      details: { age, maxAgeSeconds: policy.maxAgeSeconds },
    });
  }
  const claims =
    "acceptAny" in policy.claims
      ? [{ name: "claims", ok: true as const, detail: "any accepted" }]
      : policy.claims.map((rule) => checkClaim(result, rule));
  return [{ name: "age", ok: true, detail: `${age} s old` }, checkAudience(result, policy), ...claims];
}

function checkAudience({ issuer, claims }: VerifiedResult, { believe }: ResultPolicy): Check {
  // RFC 7519 §4.1.3: a string, or an array of them; whatever else stands there names nobody.
  const audiences = [claims["aud"]].flat().filter((audience) => typeof audience === "string");
  const demands = believe.filter((one) => one.issuer === issuer).map(({ audience }) => audience);
  const isMet = demands.some(
    (demand) => "acceptAny" in demand || audiences.some((audience) => demand.oneOf.includes(audience)),
  );
  if (isMet) return { name: "audience", ok: true, detail: audiences.join(", ") };
  throw refusal("aud", audiences.join(", "));
}

type ClaimRule = Extract<ResultPolicy["claims"], readonly unknown[]>[number];

function checkClaim({ claims, detached }: VerifiedResult, { path, oneOf }: ClaimRule): Check {
  const found = [readPath(claims, path) ?? readPath(detached, path)].flat();
  const isMet = found.some((value) => oneOf.some((accepted) => accepted === value));
  const shown = found.map((value) => (value === undefined ? "absent" : JSON.stringify(value))).join(", ");
  if (isMet) return { name: path, ok: true, detail: shown };
  throw refusal(path, shown);
}

/** Members with dots between; what is inherited, such as `constructor`, is no claim. */
function readPath(claims: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (value, name) =>
        typeof value === "object" && value !== null && Object.hasOwn(value, name)
          ? (value as Readonly<Record<string, unknown>>)[name]
          : undefined,
      claims,
    );
}

function refusal(claim: string, actual: string): AppraisalError {
  return new AppraisalError({
    code: "APPRAISAL_ATTRIBUTE_UNACCEPTABLE",
    message: `${claim} is not what the policy asks for`,
    details: { claim, actual: actual.slice(0, 200) },
  });
}
