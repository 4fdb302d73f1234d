import { describe, expect, test } from "vitest";
import { toEar, toUnappraisedEar } from "../../../attestation/verdict/ear.ts";
import { verifyTdQuote } from "../../../attestation/intel/verify-tdx.ts";
import { appraiseEvidence } from "../../../attestation/policy/appraise.ts";
import { parseAppraisalPolicy } from "../../../attestation/policy/policy-file.ts";
import { proposePolicy } from "../../../attestation/policy/propose.ts";
import { verifySimulatorEvidence } from "../../../attestation/simulator/verify-simulator.ts";
import type { VerifiedEvidence } from "../../../attestation/evidence/verified-evidence.ts";
import { createSimulatorAttester } from "../../../enclave/attesters/simulator/simulator-attester.ts";
import { codeOf } from "../../support/code-of.ts";
import { AT, FAKE_TRUST, mintFakeIntel, NOW, type FakeIntelChange } from "../../support/fake-intel.ts";

const OPTIONS = { build: "adyton 0.1.0", policyId: "urn:test" } as const;

async function verify(change: FakeIntelChange = {}) {
  const fake = await mintFakeIntel(change);
  return await verifyTdQuote("tdx", fake.quote, {
    endorsements: fake.endorsements(),
    now: NOW,
    trust: FAKE_TRUST,
  });
}

function statusOf(evidence: VerifiedEvidence, change: object = {}): [string, number] {
  const policy = proposePolicy(evidence);
  const changed = parseAppraisalPolicy({
    ...policy,
    [evidence.kind]: { ...policy[evidence.kind], ...change },
  });
  const submod = toEar(appraiseEvidence(evidence, changed, { now: NOW }), OPTIONS).submods[evidence.kind]!;
  return [submod["ear.status"], submod["ear.trustworthiness-vector"]["instance-identity"]];
}

describe("an attestation result", () => {
  test("affirms a platform up to date, and its identity where the policy pins it", async () => {
    const evidence = await verify();
    expect(statusOf(evidence)).toEqual(["affirming", 2]);
    expect(statusOf(evidence, { platformIds: { acceptAny: true } })).toEqual(["affirming", 0]);
  });

  test("warns of a platform out of date that the policy accepts", async () => {
    expect(
      statusOf(await verify({ pckFields: { sgxComponentSvns: new Array<number>(16).fill(2) } }))[0],
    ).toBe("warning");
  });

  test("contraindicates debug and simulation, accepted or not", async () => {
    const debug = await verify({ body: [[AT.tdAttributes, Uint8Array.of(1)]] });
    expect(statusOf(debug, { debug: "acceptForTesting" })[0]).toBe("contraindicated");
    const attester = await createSimulatorAttester();
    const simulated = await verifySimulatorEvidence(await attester.getEvidence(new Uint8Array(64)), {
      now: NOW,
    });
    expect(statusOf(simulated)[0]).toBe("contraindicated");
  });

  test("has no status when nothing was appraised", async () => {
    const ear = toUnappraisedEar(await verify(), OPTIONS);
    expect(ear).toMatchObject({ iat: NOW, submods: { tdx: { "ear.status": "none" } } });
  });

  test("is made of nothing but verified evidence", async () => {
    const evidence = await verify();
    const appraised = appraiseEvidence(evidence, proposePolicy(evidence), { now: NOW });
    const copy = { ...evidence } as VerifiedEvidence;
    expect(codeOf(() => toUnappraisedEar(copy, OPTIONS))).toBe("INPUT_INVALID");
    expect(codeOf(() => toEar({ ...appraised, evidence: copy }, OPTIONS))).toBe("INPUT_INVALID");
  });
});
