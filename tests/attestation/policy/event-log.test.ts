import { describe, expect, test } from "vitest";
import { parseDstackEventLog, type DstackEvent } from "../../../attestation/dstack/event-log.ts";
import { replayRtmrs } from "../../../attestation/eventlog/rtmr.ts";
import { appraiseEvidence } from "../../../attestation/policy/appraise.ts";
import { parseAppraisalPolicy } from "../../../attestation/policy/policy-file.ts";
import { proposePolicy } from "../../../attestation/policy/propose.ts";
import { verifySimulatorEvidence } from "../../../attestation/simulator/verify-simulator.ts";
import type { VerifiedEvidence } from "../../../attestation/evidence/verified-evidence.ts";
import { createSimulatorAttester } from "../../../enclave/attesters/simulator/simulator-attester.ts";
import { toHex } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import { APP_ID, COMPOSE_HASH, EVENTS, toEventLogJson } from "../../support/fake-dstack.ts";
import { NOW } from "../../support/fake-intel.ts";

const hex = (byte: string, length: number) => `0x${byte.repeat(length)}` as const;

function appraise(
  evidence: VerifiedEvidence<"simulator">,
  rule: object,
  eventLog: readonly DstackEvent[],
): string {
  const policy = proposePolicy(evidence);
  const changed = parseAppraisalPolicy({ ...policy, simulator: { ...policy.simulator, ...rule } });
  return codeOf(() => appraiseEvidence(evidence, changed, { now: NOW, eventLog }));
}

describe("a policy that reads a TD's event log", () => {
  const any = { acceptAny: true } as const;
  const log = parseDstackEventLog(toEventLogJson(EVENTS));
  const evidenceOf = async (events: readonly DstackEvent[]) => {
    const rtMr3 = toHex(replayRtmrs(events)[3]!);
    const attester = await createSimulatorAttester({ measurements: { rtMr3 } });
    return await verifySimulatorEvidence(await attester.getEvidence(new Uint8Array(64)), { now: NOW });
  };

  test("accepts the application that it names", async () => {
    const rule = { appId: { oneOf: [toHex(APP_ID)] }, composeHash: { oneOf: [toHex(COMPOSE_HASH)] } };
    expect(appraise(await evidenceOf(log), { rtMr3Events: rule }, log)).toBe("nothing thrown");
    expect(appraise(await evidenceOf(log), { rtMr3Events: { appId: any, composeHash: any } }, log)).toBe(
      "nothing thrown",
    );
  });

  test.for<readonly [string, object, string]>([
    [
      "another application",
      { appId: { oneOf: [hex("ff", 20)] }, composeHash: any },
      "APPRAISAL_MEASUREMENT_UNKNOWN",
    ],
    [
      "another compose file",
      { appId: any, composeHash: { oneOf: [hex("ff", 32)] } },
      "APPRAISAL_MEASUREMENT_UNKNOWN",
    ],
  ])("refuses %s", async ([, rtMr3Events, code]) => {
    expect(appraise(await evidenceOf(log), { rtMr3Events }, log)).toBe(code);
  });

  test("refuses a log that does not replay to the TD's register", async () => {
    const code = appraise(
      await evidenceOf(log),
      { rtMr3Events: { appId: any, composeHash: any } },
      log.slice(0, -1),
    );
    expect(code).toBe("EVIDENCE_BINDING_MISMATCH");
  });
});
