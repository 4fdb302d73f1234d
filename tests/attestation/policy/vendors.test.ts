import { describe, expect, test } from "vitest";
import { appraiseEvidence } from "../../../attestation/policy/appraise.ts";
import { parseAppraisalPolicy } from "../../../attestation/policy/policy.ts";
import { proposePolicy } from "../../../attestation/policy/propose.ts";
import type { DstackEvent } from "../../../attestation/dstack/event-log.ts";
import { parseDstackEventLog } from "../../../attestation/dstack/event-log.ts";
import { replayRtmrs } from "../../../attestation/eventlog/rtmr.ts";
import { verifySimulatorEvidence } from "../../../attestation/simulator/verify-simulator.ts";
import {
  sealVerified,
  type Findings,
  type VerifiedEvidence,
} from "../../../attestation/verified-evidence.ts";
import { createSimulatorAttester } from "../../../enclave/attesters/simulator/simulator-attester.ts";
import { toHex } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import { APP_ID, COMPOSE_HASH, EVENTS, toEventLogJson } from "../../support/fake-dstack.ts";
import { NOW } from "../../support/fake-intel.ts";

const hex = (byte: string, length: number) => `0x${byte.repeat(length)}` as const;
const shared = {
  debug: false,
  reportData: hex("01", 64),
  platformId: hex("02", 64),
  tcbStatus: null,
  advisories: [],
  window: { from: NOW - 10, until: NOW + 10 },
  issuedAt: null,
  verifiedAt: NOW,
  checks: [],
} as const;
const tcb = { fmc: null, bootLoader: 4, tee: 0, snp: 24, microcode: 219 };

/** Sealed by the test itself: what is tried here is the policy alone. */
const SNP = sealVerified({
  ...shared,
  kind: "snp",
  claims: {
    measurement: hex("03", 48),
    hostData: hex("04", 32),
    idKeyDigest: hex("05", 48),
    authorKeyDigest: hex("06", 48),
    familyId: hex("07", 16),
    imageId: hex("08", 16),
    policy: hex("09", 8),
    platformInfo: hex("0a", 8),
    guestSvn: 3,
    vmpl: 1,
    reportedTcb: tcb,
    product: "Milan",
    revocation: "checked",
    signingKey: "vcek",
  },
} as unknown as Findings<"snp">);

const NITRO = sealVerified({
  ...shared,
  kind: "nitro",
  platformId: null,
  issuedAt: NOW - 5,
  claims: {
    pcrs: { 0: hex("10", 48), 1: hex("11", 48), 2: hex("12", 48) },
    publicKey: null,
    nonce: hex("0c", 32),
    userData: hex("01", 64),
  },
} as unknown as Findings<"nitro">);

const device = {
  measurements: { 1: hex("21", 48), 2: hex("22", 48) },
  driverVersion: "550.1",
  vbiosVersion: "96.0",
  hardwareModel: "GH100 A01 GSP BROM",
  ueid: hex("aa", 20),
};
const NVIDIA = sealVerified({
  ...shared,
  kind: "nvidia",
  claims: {
    nonce: hex("01", 32),
    devices: [
      device,
      {
        ...device,
        ueid: hex("bb", 20),
        driverVersion: null,
        measurements: { ...device.measurements, 2: hex("99", 48) },
      },
    ],
  },
} as unknown as Findings<"nvidia">);

function appraise(
  evidence: VerifiedEvidence,
  change: object = {},
  eventLog?: readonly DstackEvent[],
): string {
  const policy = proposePolicy(evidence);
  const changed = parseAppraisalPolicy({
    ...policy,
    [evidence.kind]: { ...policy[evidence.kind], ...change },
  });
  return codeOf(() => appraiseEvidence(evidence, changed, { now: NOW, ...(eventLog && { eventLog }) }));
}

test.for([
  ["SEV-SNP", SNP],
  ["Nitro", NITRO],
  ["NVIDIA", NVIDIA],
] as const)("accepts %s evidence by the policy made from it", ([, evidence]) => {
  expect(appraise(evidence)).toBe("nothing thrown");
});

describe("an SEV-SNP policy", () => {
  test.for<readonly [string, object, string]>([
    ["another measurement", { measurement: { oneOf: [hex("ff", 48)] } }, "APPRAISAL_MEASUREMENT_UNKNOWN"],
    ["other host data", { hostData: { oneOf: [hex("ff", 32)] } }, "APPRAISAL_MEASUREMENT_UNKNOWN"],
    ["another ID key", { idKeyDigest: { oneOf: [hex("ff", 48)] } }, "APPRAISAL_MEASUREMENT_UNKNOWN"],
    ["another guest policy", { policy: { oneOf: [hex("ff", 8)] } }, "APPRAISAL_ATTRIBUTE_UNACCEPTABLE"],
    ["an older boot loader", { reportedTcbBootLoader: { atLeast: 5 } }, "APPRAISAL_TCB_UNACCEPTABLE"],
    ["older microcode", { reportedTcbMicrocode: { atLeast: 220 } }, "APPRAISAL_TCB_UNACCEPTABLE"],
    [
      "a component that the product has not",
      { reportedTcbFmc: { atLeast: 0 } },
      "APPRAISAL_TCB_UNACCEPTABLE",
    ],
    ["an older guest", { guestSvn: { atLeast: 4 } }, "APPRAISAL_TCB_UNACCEPTABLE"],
    ["a lower privilege", { vmpl: { atMost: 0 } }, "APPRAISAL_ATTRIBUTE_UNACCEPTABLE"],
    [
      "a key lent to a cloud provider",
      { signingKey: { oneOf: ["vlek"] } },
      "APPRAISAL_ATTRIBUTE_UNACCEPTABLE",
    ],
    ["another product", { product: { oneOf: ["Genoa"] } }, "APPRAISAL_ATTRIBUTE_UNACCEPTABLE"],
    ["another chip", { platformIds: { oneOf: [hex("ff", 64)] } }, "APPRAISAL_PLATFORM_UNKNOWN"],
  ])("refuses %s", ([, change, code]) => {
    expect(appraise(SNP, change)).toBe(code);
  });
});

describe("a Nitro policy", () => {
  test.for<readonly [string, object, string]>([
    ["another image", { pcr0: { oneOf: [hex("ff", 48)] } }, "APPRAISAL_MEASUREMENT_UNKNOWN"],
    [
      "a register that the document has not",
      { pcr8: { oneOf: [hex("ff", 48)] } },
      "APPRAISAL_MEASUREMENT_UNKNOWN",
    ],
    ["another nonce", { nonce: { oneOf: [hex("ff", 32)] } }, "APPRAISAL_REPORT_DATA_MISMATCH"],
    ["no key where one is asked for", { publicKey: { oneOf: ["0x01"] } }, "APPRAISAL_ATTRIBUTE_UNACCEPTABLE"],
    ["a platform, as AWS names none", { platformIds: { oneOf: ["0x01"] } }, "APPRAISAL_PLATFORM_UNKNOWN"],
    ["a document older than allowed by its own time", { freshness: { maxAgeSeconds: 4 } }, "APPRAISAL_STALE"],
  ])("refuses %s", ([, change, code]) => {
    expect(appraise(NITRO, change)).toBe(code);
  });

  test("accepts a document exactly as old as allowed", () => {
    expect(appraise(NITRO, { freshness: { maxAgeSeconds: 5 } })).toBe("nothing thrown");
  });
});

describe("an NVIDIA policy", () => {
  test.for<readonly [string, object, string]>([
    [
      "one device with another measurement",
      { measurements: { byIndex: { 2: [hex("22", 48)] } } },
      "APPRAISAL_MEASUREMENT_UNKNOWN",
    ],
    [
      "a measurement that no device has",
      { measurements: { byIndex: { 9: [hex("22", 48)] } } },
      "APPRAISAL_MEASUREMENT_UNKNOWN",
    ],
    [
      "one device without a driver version",
      { driverVersion: { oneOf: ["550.1"] } },
      "APPRAISAL_ATTRIBUTE_UNACCEPTABLE",
    ],
    [
      "one device that it does not list",
      { platformIds: { oneOf: [hex("aa", 20)] } },
      "APPRAISAL_PLATFORM_UNKNOWN",
    ],
    ["another model", { hardwareModel: { oneOf: ["GB100"] } }, "APPRAISAL_ATTRIBUTE_UNACCEPTABLE"],
  ])("refuses %s", ([, change, code]) => {
    expect(appraise(NVIDIA, change)).toBe(code);
  });

  test("accepts any measurements where it says so", () => {
    expect(appraise(NVIDIA, { measurements: { acceptAny: true } })).toBe("nothing thrown");
  });

  test("proposes what all devices share", () => {
    expect(proposePolicy(NVIDIA).nvidia).toMatchObject({
      measurements: { byIndex: { 1: [hex("21", 48)] } },
      driverVersion: { acceptAny: true },
    });
  });
});

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
