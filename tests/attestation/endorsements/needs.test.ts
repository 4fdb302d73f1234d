import { expect, test } from "vitest";
import { openEvidence } from "../../../attestation/evidence/recognise-evidence.ts";
import { codeOf } from "../../support/code-of.ts";
import { mintAmdWorld } from "../../support/fake-amd.ts";
import { FMSPC, mintFakeIntel } from "../../support/fake-intel.ts";

test.for([
  ["sgx", "Test SGX PCK Platform CA", "platform"],
  ["tdx", "Test SGX PCK Processor CA", "processor"],
] as const)("a quote of %s under %s names its platform and its CA", async ([tee, ca, pckCa]) => {
  const { quote } = await mintFakeIntel({ tee, pck: { issuer: ca } });
  expect(openEvidence(quote).needs()).toEqual({
    intel: { tee, fmspc: FMSPC, pckCa },
    amd: null,
    nvidia: null,
  });
});

test("a PCK certificate of another CA is not Intel's", async () => {
  const { quote } = await mintFakeIntel({ pck: { issuer: "Test SGX Root CA" } });
  expect(codeOf(() => openEvidence(quote).needs())).toBe("EVIDENCE_CHAIN_INVALID");
});

test("a report needs AMD's certificates", async () => {
  const world = await mintAmdWorld();
  const { intel, amd } = openEvidence(await world.signReport()).needs();
  expect(intel).toBeNull();
  expect(amd).toMatchObject({ bringsKey: false, report: { chipId: world.plan.chipId } });
});

test.for([
  ["nothing", new Uint8Array()],
  ["text", new TextEncoder().encode("evidence")],
] as const)("%s is no evidence", ([, bytes]) => {
  expect(codeOf(() => openEvidence(bytes))).toBe("EVIDENCE_UNSUPPORTED");
});

test("a quote that is cut short cannot say what it needs", async () => {
  const { quote } = await mintFakeIntel();
  expect(codeOf(() => openEvidence(quote.subarray(0, quote.length - 100)).needs())).toBe(
    "EVIDENCE_MALFORMED",
  );
});
