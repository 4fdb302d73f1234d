import { expect, test } from "vitest";
import { endorsementNeeds } from "../../endorsements/needs.ts";
import { codeOf } from "../support/code-of.ts";
import { mintAmdWorld } from "../support/fake-amd.ts";
import { FMSPC, mintFakeIntel } from "../support/fake-intel.ts";

test.for([
  ["sgx", "Test SGX PCK Platform CA", "platform"],
  ["tdx", "Test SGX PCK Processor CA", "processor"],
] as const)("a quote of %s under %s names its platform and its CA", async ([tee, ca, pckCa]) => {
  const { quote } = await mintFakeIntel({ tee, pck: { issuer: ca } });
  expect(endorsementNeeds(quote)).toEqual({ intel: { tee, fmspc: FMSPC, pckCa }, amd: null });
});

test("a PCK certificate of another CA is not Intel's", async () => {
  const { quote } = await mintFakeIntel({ pck: { issuer: "Test SGX Root CA" } });
  expect(codeOf(() => endorsementNeeds(quote))).toBe("EVIDENCE_CHAIN_INVALID");
});

test("a report needs AMD's certificates", async () => {
  const world = await mintAmdWorld();
  const { intel, amd } = endorsementNeeds(await world.signReport());
  expect(intel).toBeNull();
  expect(amd).toMatchObject({ bringsKey: false, report: { chipId: world.plan.chipId } });
});

test.for([
  ["nothing", new Uint8Array()],
  ["text", new TextEncoder().encode("evidence")],
] as const)("%s is no evidence", ([, bytes]) => {
  expect(codeOf(() => endorsementNeeds(bytes))).toBe("EVIDENCE_UNSUPPORTED");
});

test("a quote that is cut short cannot say what it needs", async () => {
  const { quote } = await mintFakeIntel();
  expect(codeOf(() => endorsementNeeds(quote.subarray(0, quote.length - 100)))).toBe("EVIDENCE_MALFORMED");
});
