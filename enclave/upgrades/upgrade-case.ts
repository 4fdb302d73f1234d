/** What both ends of a hand-over do with the case that the host shows them. */

import { parseAppraisalPolicy, parseEndorsements, type AppraisalPolicy } from "../../attestation/index.ts";
import { createEvidenceVerifier, type EvidenceVerifier } from "../../client/evidence-verifier.ts";
import type { Json } from "../../protocol/canonical-json.ts";
import { InputError, UpstreamError } from "../../protocol/errors.ts";
import type { UpgradeCase } from "../../protocol/hand-over.ts";
import { configurationDigest } from "../../protocol/keyset.ts";
import type { EnclaveProgram, Upgrade } from "../../protocol/upgrade.ts";
import type { TrustedClock } from "../clock/trusted-clock.ts";
import type { UpgradeSettings } from "../configuration/upgrade-settings.ts";

export type Side = "from" | "to";

/** Judges enclaves of one side of the upgrade: by the policy that owners signed, with endorsements that the host brought. */
export function verifierOf(upgrade: Upgrade, given: UpgradeCase, side: Side, now: number): EvidenceVerifier {
  return createEvidenceVerifier({
    policy: policyOf(upgrade[side], given.policies[side], side),
    endorsements: { find: () => Promise.resolve(parseEndorsements(given.endorsements[side])) },
    now: () => now * 1_000,
  });
}

function policyOf({ policyDigest }: EnclaveProgram, policy: Json, side: Side): AppraisalPolicy {
  const actual = configurationDigest(policy);
  if (actual !== policyDigest) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `policies.${side} is not the policy that the upgrade names`,
      details: { expected: policyDigest, actual },
    });
  }
  return parseAppraisalPolicy(policy, `policies.${side}`);
}

/** @throws {InputError} INPUT_NOT_FOUND for an enclave whose behaviour file says nothing of upgrades */
export function settingsOf(settings: UpgradeSettings | undefined): UpgradeSettings {
  if (settings !== undefined) return settings;
  throw new InputError({
    code: "INPUT_NOT_FOUND",
    message:
      "this enclave's behaviour file names no owners: no secret goes to another enclave, or comes from one",
  });
}

/** @throws {UpstreamError} ENCLAVE_TIME_OUTSIDE while the time is not known */
export function timeOf(clock: TrustedClock): number {
  const { now } = clock.read();
  if (now !== null) return now;
  throw new UpstreamError({
    code: "ENCLAVE_TIME_OUTSIDE",
    message: "this enclave does not know the time, and a timelock is none without it: try again",
  });
}
