import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { verifyTdQuote } from "../../../attestation/intel/verify-tdx.ts";
import { verifySgxQuoteUnder } from "../../../attestation/intel/verify-sgx.ts";
import { appraiseEvidence } from "../../../attestation/policy/appraise.ts";
import { checkReportData } from "../../../attestation/policy/check-report-data.ts";
import type { AppraisalPolicy } from "../../../attestation/policy/policy.ts";
import { parseAppraisalPolicy } from "../../../attestation/policy/policy-file.ts";
import { proposePolicy } from "../../../attestation/policy/propose.ts";
import { verifySimulatorEvidence } from "../../../attestation/simulator/verify-simulator.ts";
import type { VerifiedEvidence } from "../../../attestation/evidence/verified-evidence.ts";
import { createSimulatorAttester } from "../../../enclave/attesters/simulator/simulator-attester.ts";
import { without } from "../../support/without.ts";
import { codeOf } from "../../support/code-of.ts";
import {
  AT,
  DAY,
  FAKE_TRUST,
  mintFakeIntel,
  NOW,
  tcbLevel,
  type FakeIntelChange,
} from "../../support/fake-intel.ts";

async function verify(change: FakeIntelChange = {}) {
  const fake = await mintFakeIntel(change);
  const context = { endorsements: fake.endorsements(), now: NOW, trust: FAKE_TRUST };
  return change.tee === "sgx"
    ? await verifySgxQuoteUnder(FAKE_TRUST, fake.quote, context)
    : await verifyTdQuote("tdx", fake.quote, context);
}

const any = { acceptAny: true };
const with_ = (policy: AppraisalPolicy, kind: "tdx" | "sgx" | "simulator", change: object): AppraisalPolicy =>
  parseAppraisalPolicy({ ...policy, [kind]: { ...policy[kind], ...change } });
const appraise = (evidence: VerifiedEvidence, policy: AppraisalPolicy, now = NOW) =>
  codeOf(() => appraiseEvidence(evidence, policy, { now }));

describe("a proposed policy", () => {
  test.for<readonly [string, FakeIntelChange]>([
    ["a TDX quote", {}],
    ["a TDX 1.5 quote", { version: 5, bodyType: "td15" }],
    ["an SGX quote", { tee: "sgx" }],
    [
      "a platform out of date, with advisories",
      { pckFields: { sgxComponentSvns: new Array<number>(16).fill(2) } },
    ],
  ])("accepts what it was made from: %s", async ([, change]) => {
    const evidence = await verify(change);
    expect(appraise(evidence, proposePolicy(evidence))).toBe("nothing thrown");
  });

  test("refuses a debug TD, even the one it was made from", async () => {
    const evidence = await verify({ body: [[AT.tdAttributes, Uint8Array.of(1, 0, 0, 0x10)]] });
    const policy = proposePolicy(evidence);
    expect(appraise(evidence, policy)).toBe("APPRAISAL_DEBUG_ENABLED");
    expect(appraise(evidence, with_(policy, "tdx", { debug: "acceptForTesting" }))).toBe("nothing thrown");
  });

  test("refuses a TCB that is revoked or not supported, even the one it was made from", async () => {
    const revoked = await verify({ tcbInfo: { tcbLevels: [tcbLevel(3, "Revoked")] } });
    const unsupported = await verify({ pckFields: { pceSvn: 1 } });
    expect(appraise(revoked, proposePolicy(revoked))).toBe("APPRAISAL_TCB_UNACCEPTABLE");
    expect(appraise(unsupported, proposePolicy(unsupported))).toBe("APPRAISAL_TCB_UNACCEPTABLE");
  });
});

describe("one rule away from what it accepts, a policy refuses", () => {
  const other = (bytes: number) => ({ oneOf: [`0x${"ee".repeat(bytes)}`] });

  test.for<readonly [string, object, string]>([
    ["a measurement of the TD", { mrTd: other(48) }, "APPRAISAL_MEASUREMENT_UNKNOWN"],
    ["a runtime measurement", { rtMr2: other(48) }, "APPRAISAL_MEASUREMENT_UNKNOWN"],
    ["a claim that the evidence does not make", { mrServiceTd: other(48) }, "APPRAISAL_MEASUREMENT_UNKNOWN"],
    ["attributes", { tdAttributes: other(8) }, "APPRAISAL_ATTRIBUTE_UNACCEPTABLE"],
    ["extended features", { xfam: other(8) }, "APPRAISAL_ATTRIBUTE_UNACCEPTABLE"],
    ["a platform", { platformIds: other(16) }, "APPRAISAL_PLATFORM_UNKNOWN"],
    ["report data", { reportData: other(64) }, "APPRAISAL_REPORT_DATA_MISMATCH"],
    ["a TCB status", { tcbStatuses: ["OutOfDate"] }, "APPRAISAL_TCB_UNACCEPTABLE"],
    [
      "evaluation data older than asked for",
      { tcbEvaluationDataNumber: { atLeast: 18 } },
      "APPRAISAL_TCB_UNACCEPTABLE",
    ],
    [
      "one security version too low",
      { teeTcbSvn: { componentsAtLeast: `0x0300${"03".repeat(13)}04` } },
      "APPRAISAL_TCB_UNACCEPTABLE",
    ],
    [
      "an event log that is not given",
      { rtMr3Events: { appId: any, composeHash: any } },
      "APPRAISAL_MEASUREMENT_UNKNOWN",
    ],
  ])("%s", async ([, change, code]) => {
    const evidence = await verify();
    expect(appraise(evidence, with_(proposePolicy(evidence), "tdx", change))).toBe(code);
  });

  test("an advisory that it does not name", async () => {
    const evidence = await verify({ pckFields: { sgxComponentSvns: new Array<number>(16).fill(2) } });
    const policy = with_(proposePolicy(evidence), "tdx", { advisories: { noneBut: ["INTEL-SA-00009"] } });
    expect(appraise(evidence, policy)).toBe("APPRAISAL_ADVISORY_UNACCEPTABLE");
    expect(appraise(evidence, with_(policy, "tdx", { advisories: any }))).toBe("nothing thrown");
  });

  test("an enclave's security version below its bound", async () => {
    const evidence = await verify({ tee: "sgx", body: [[258, Uint8Array.of(4)]] });
    const policy = proposePolicy(evidence);
    expect(appraise(evidence, with_(policy, "sgx", { isvSvn: { atLeast: 4 } }))).toBe("nothing thrown");
    expect(appraise(evidence, with_(policy, "sgx", { isvSvn: { atLeast: 5 } }))).toBe(
      "APPRAISAL_TCB_UNACCEPTABLE",
    );
    expect(appraise(evidence, with_(policy, "sgx", { isvSvn: any, mrEnclave: any }))).toBe("nothing thrown");
  });

  test("evidence a second too old, of the future, or past its endorsements", async () => {
    const evidence = await verify();
    const policy = with_(proposePolicy(evidence), "tdx", { freshness: { maxAgeSeconds: 60 } });
    expect(appraise(evidence, policy, NOW + 60)).toBe("nothing thrown");
    expect(appraise(evidence, policy, NOW + 61)).toBe("APPRAISAL_STALE");
    expect(appraise(evidence, policy, NOW - 1)).toBe("APPRAISAL_STALE");
    const patient = with_(policy, "tdx", { freshness: { maxAgeSeconds: 60 * DAY } });
    expect(appraise(evidence, patient, NOW + 30 * DAY)).toBe("nothing thrown");
    expect(appraise(evidence, patient, NOW + 30 * DAY + 1)).toBe("APPRAISAL_STALE");
    expect(appraise(evidence, with_(policy, "tdx", { freshness: any }), NOW + 99 * DAY)).toBe(
      "nothing thrown",
    );
  });

  test("another kind, and simulated evidence with a code of its own", async () => {
    const evidence = await verify();
    const attester = await createSimulatorAttester();
    const simulated = await verifySimulatorEvidence(await attester.getEvidence(new Uint8Array(64)), {
      now: NOW,
    });
    expect(appraise(evidence, proposePolicy(simulated))).toBe("APPRAISAL_KIND_REFUSED");
    expect(appraise(simulated, proposePolicy(evidence))).toBe("APPRAISAL_SIMULATED_REFUSED");
    expect(appraise(simulated, proposePolicy(simulated))).toBe("nothing thrown");
  });
});

describe("appraisal takes nothing but verified evidence", () => {
  test("not a copy, and not what JSON gave", async () => {
    const evidence = await verify();
    const policy = proposePolicy(evidence);
    expect(appraise({ ...evidence }, policy)).toBe("INPUT_INVALID");
    expect(appraise(JSON.parse(JSON.stringify(evidence)) as VerifiedEvidence, policy)).toBe("INPUT_INVALID");
    expect(
      codeOf(() => {
        checkReportData({ ...evidence }, "0x");
      }),
    ).toBe("INPUT_INVALID");
  });

  test("and a time in seconds", async () => {
    const evidence = await verify();
    expect(appraise(evidence, proposePolicy(evidence), NOW * 1000)).toBe("INPUT_INVALID");
  });

  test("and evidence cannot be changed once verified", async () => {
    const evidence = await verify();
    expect(() => {
      (evidence as { debug: boolean }).debug = true;
    }).toThrow(TypeError);
    expect(() => {
      (evidence.claims as { ppid: string }).ppid = "0x";
    }).toThrow(TypeError);
  });

  test("and compares all of the report data", async () => {
    const evidence = await verify({ body: [[AT.reportData, new Uint8Array(32).fill(1)]] });
    const expected = `0x${"01".repeat(32)}${"00".repeat(32)}` as const;
    expect(
      codeOf(() => {
        checkReportData(evidence, expected);
      }),
    ).toBe("nothing thrown");
    expect(
      codeOf(() => {
        checkReportData(evidence, `0x${"01".repeat(32)}`);
      }),
    ).toBe("APPRAISAL_REPORT_DATA_MISMATCH");
  });
});

describe("a policy on disk", () => {
  test("has no optional field, no unknown field, and no default", async () => {
    const policy = proposePolicy(await verify()) as unknown as Record<string, Record<string, unknown>>;
    for (const name of Object.keys(policy["tdx"]!)) {
      const section = without(policy["tdx"]!, name);
      expect(
        codeOf(() => parseAppraisalPolicy({ ...policy, tdx: section })),
        name,
      ).toBe("INPUT_INVALID");
    }
    for (const name of ["version", "pieces"]) {
      const rest = without(policy, name);
      expect(
        codeOf(() => parseAppraisalPolicy(rest)),
        name,
      ).toBe("INPUT_INVALID");
    }
    expect(codeOf(() => parseAppraisalPolicy({ ...policy, tdx: { ...policy["tdx"], extra: 1 } }))).toBe(
      "INPUT_INVALID",
    );
    expect(codeOf(() => parseAppraisalPolicy("text"))).toBe("INPUT_INVALID");
  });

  test.for<readonly [string, object]>([
    ["Revoked among the statuses", { tcbStatuses: ["Revoked"] }],
    ["NotSupported among the statuses", { tcbStatuses: ["NotSupported"] }],
    ["no status at all", { tcbStatuses: [] }],
    ["an empty list of values", { mrTd: { oneOf: [] } }],
    ["acceptAny: false", { mrTd: { acceptAny: false } }],
    ["a value and acceptAny", { mrTd: { oneOf: [`0x${"00".repeat(48)}`], acceptAny: true } }],
    ["upper-case hex", { mrTd: { oneOf: [`0x${"AA".repeat(48)}`] } }],
    ["a value of another length", { mrTd: { oneOf: ["0x00"] } }],
    ["debug accepted in another word", { debug: "accept" }],
  ])("cannot say %s", async ([, change]) => {
    const policy = proposePolicy(await verify());
    expect(codeOf(() => with_(policy, "tdx", change))).toBe("INPUT_INVALID");
  });
});

/** Demands from wide to narrow: each accepts no more than the one before it. */
const LADDERS: Readonly<Record<string, readonly unknown[]>> = {
  debug: ["acceptForTesting", "refuse"],
  tcbStatuses: [["UpToDate", "OutOfDate", "SWHardeningNeeded"], ["UpToDate", "OutOfDate"], ["UpToDate"]],
  advisories: [any, { noneBut: ["INTEL-SA-00001", "x"] }, { noneBut: ["INTEL-SA-00001"] }, { noneBut: [] }],
  tcbEvaluationDataNumber: [any, { atLeast: 16 }, { atLeast: 17 }, { atLeast: 18 }],
  teeTcbSvn: [
    any,
    { componentsAtLeast: `0x${"00".repeat(16)}` },
    { componentsAtLeast: `0x0300${"03".repeat(14)}` },
    { componentsAtLeast: `0x${"04".repeat(16)}` },
  ],
  mrTd: [
    any,
    { oneOf: [`0x${"77".repeat(48)}`, `0x${"78".repeat(48)}`] },
    { oneOf: [`0x${"78".repeat(48)}`] },
  ],
  platformIds: [any, { oneOf: [`0x${"5a".repeat(16)}`, "0x00"] }, { oneOf: ["0x00"] }],
  reportData: [any, { oneOf: [`0x${"00".repeat(64)}`, "0x00"] }, { oneOf: ["0x00"] }],
  freshness: [any, { maxAgeSeconds: 100 }, { maxAgeSeconds: 50 }, { maxAgeSeconds: 0 }],
};

describe("tightening a policy", () => {
  test("never accepts more", async () => {
    const good = await verify();
    const worse = await verify({ pckFields: { sgxComponentSvns: new Array<number>(16).fill(2) } });
    const debug = await verify({ body: [[AT.tdAttributes, Uint8Array.of(1, 0, 0, 0x10)]] });
    const names = Object.keys(LADDERS);
    const steps = fc.record(
      Object.fromEntries(names.map((name) => [name, fc.tuple(fc.nat(3), fc.nat(3))])),
    ) as fc.Arbitrary<Record<string, [number, number]>>;
    const policyAt = (
      chosen: Record<string, [number, number]>,
      which: "wide" | "narrow",
    ): AppraisalPolicy => {
      const section = Object.fromEntries(
        names.map((name) => {
          const [a, b] = chosen[name]!;
          const ladder = LADDERS[name]!;
          const rung = Math.min(which === "wide" ? Math.min(a, b) : Math.max(a, b), ladder.length - 1);
          return [name, ladder[rung]];
        }),
      );
      const rest = { tdAttributes: any, xfam: any };
      return with_(proposePolicy(good), "tdx", { ...rest, ...section });
    };
    const outcomes = new Set<string>();
    fc.assert(
      fc.property(
        steps,
        fc.constantFrom(good, worse, debug),
        fc.integer({ min: 0, max: 101 }),
        (chosen, evidence, age) => {
          const wide = appraise(evidence, policyAt(chosen, "wide"), NOW + age);
          const narrow = appraise(evidence, policyAt(chosen, "narrow"), NOW + age);
          outcomes.add(narrow);
          expect(wide === "nothing thrown" || narrow !== "nothing thrown").toBe(true);
        },
      ),
      { numRuns: 1500, seed: 20_251_122 },
    );
    // The property must have seen both sides.
    expect(outcomes.has("nothing thrown")).toBe(true);
    expect(outcomes.size).toBeGreaterThan(4);
  });
});
