import { sha256 } from "@noble/hashes/sha2.js";
import { describe, expect, test } from "vitest";
import { verifySnpReportUnder } from "../../../attestation/amd/verify-snp-report.ts";
import { verifyNitroDocumentUnder } from "../../../attestation/aws/verify-nitro-document.ts";
import {
  verifyAzureSnpEvidenceUnder,
  verifyAzureTdxEvidenceUnder,
} from "../../../attestation/azure/verify-azure-evidence.ts";
import { verifyDstackEvidenceUnder } from "../../../attestation/dstack/verify-dstack-evidence.ts";
import { RULES } from "../../../attestation/policy/policy.ts";
import { parseAppraisalPolicy } from "../../../attestation/policy/policy-file.ts";
import { proposePolicy } from "../../../attestation/policy/propose.ts";
import type { VerifiedEvidence } from "../../../attestation/evidence/verified-evidence.ts";
import { concatBytes, toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import { AMD_NOW, mintAmdWorld, type AmdPlan, type ReportChanges } from "../../support/fake-amd.ts";
import { AWS_NOW, mintAwsWorld, pcrs, type AwsPlan } from "../../support/fake-aws.ts";
import {
  azurePlan,
  mintAzureParts,
  runtimeClaims,
  toAzureJson,
  type AzurePlan,
} from "../../support/fake-azure.ts";
import { EVENTS, mintDstackQuote, toQuoteResponse } from "../../support/fake-dstack.ts";
import { AT, FAKE_TRUST, mintFakeIntel, NOW } from "../../support/fake-intel.ts";
import {
  appraise,
  ATTRIBUTE,
  BINDING,
  changed,
  hex,
  MEASUREMENT,
  nvidia,
  PLATFORM,
  TCB,
} from "../../support/policy-appraisal.ts";

/** All fakes are in date at once: the rules' own time is passed beside the evidence's. */
async function snp(plan: Partial<AmdPlan> = {}, report: ReportChanges = {}) {
  const world = await mintAmdWorld(plan);
  const context = { endorsements: world.endorsements, now: AMD_NOW };
  return await verifySnpReportUnder(world.roots, await world.signReport(report), context);
}

async function nitro(plan: Partial<AwsPlan> = {}) {
  const { roots, document } = await mintAwsWorld({
    fields: { public_key: Uint8Array.of(1), nonce: Uint8Array.of(2) },
    ...plan,
  });
  return await verifyNitroDocumentUnder(roots, document, { now: AWS_NOW });
}

async function azureSnp(changes: Partial<AzurePlan> = {}) {
  const plan = azurePlan(changes);
  const world = await mintAmdWorld();
  const reportData = concatBytes(sha256(await runtimeClaims(plan)), new Uint8Array(32));
  const parts = await mintAzureParts(plan, await world.signReport({ reportData }));
  const bytes = toUtf8(JSON.stringify(toAzureJson(parts)));
  return await verifyAzureSnpEvidenceUnder(world.roots, bytes, {
    endorsements: world.endorsements,
    now: AMD_NOW,
  });
}

async function azureTdx(changes: Partial<AzurePlan> = {}) {
  const plan = azurePlan({ hardware: "tdx", ...changes });
  const intel = await mintFakeIntel({ body: [[AT.reportData, sha256(await runtimeClaims(plan))]] });
  const parts = await mintAzureParts(plan, new Uint8Array(1024));
  const bytes = toUtf8(JSON.stringify(toAzureJson(parts, { td_quote: intel.quote })));
  return await verifyAzureTdxEvidenceUnder(bytes, {
    endorsements: intel.endorsements(),
    now: NOW,
    trust: FAKE_TRUST,
  });
}

async function dstack() {
  const intel = await mintDstackQuote(EVENTS);
  const context = { endorsements: intel.endorsements(), now: NOW, trust: FAKE_TRUST };
  return await verifyDstackEvidenceUnder(toQuoteResponse(intel.quote, EVENTS), context);
}

const MAKE = { snp, nitro, nvidia, azureSnp, azureTdx, dstack } as const;
type Kind = keyof typeof MAKE;

const SNP_REFUSALS = [
  ["product", { oneOf: ["Genoa"] }, ATTRIBUTE],
  ["reportedTcbFmc", { atLeast: 0 }, TCB],
  ["reportedTcbBootLoader", { atLeast: 5 }, TCB],
  ["reportedTcbTee", { atLeast: 1 }, TCB],
  ["reportedTcbSnp", { atLeast: 25 }, TCB],
  ["reportedTcbMicrocode", { atLeast: 220 }, TCB],
  ["revocation", "require", ATTRIBUTE],
  ["signingKey", { oneOf: ["VLEK"] }, ATTRIBUTE],
  ["platformIds", hex(64), PLATFORM],
  ["measurement", hex(48), MEASUREMENT],
  ["hostData", hex(32), MEASUREMENT],
  ["idKeyDigest", hex(48), MEASUREMENT],
  ["authorKeyDigest", hex(48), MEASUREMENT],
  ["familyId", hex(16), MEASUREMENT],
  ["imageId", hex(16), MEASUREMENT],
  ["guestSvn", { atLeast: 1 }, TCB],
  ["policy", hex(8), ATTRIBUTE],
  ["platformInfo", hex(8), ATTRIBUTE],
  ["reportData", hex(64), BINDING],
] as const;

const TD_REFUSALS = [
  ["tcbStatuses", ["OutOfDate"], TCB],
  ["mrTd", hex(48), MEASUREMENT],
  ["rtMr3", hex(48), MEASUREMENT],
  ["tdAttributes", hex(8), ATTRIBUTE],
  ["platformIds", hex(16), PLATFORM],
  ["reportData", hex(64), BINDING],
] as const;

const VTPM_REFUSALS = [
  ["pcrs", { byIndex: { "7": [`0x${"ab".repeat(32)}`] } }, MEASUREMENT],
  ["pcrs", { byIndex: { "8": [`0x${"09".repeat(32)}`] } }, MEASUREMENT],
  ["secureBoot", { oneOf: ["false"] }, ATTRIBUTE],
  ["vmUniqueId", { oneOf: ["another"] }, ATTRIBUTE],
] as const;

/** Per kind: one rule changed, one code. */
const REFUSALS: Readonly<Record<Kind, readonly (readonly [rule: string, demand: unknown, code: string])[]>> =
  {
    snp: SNP_REFUSALS,
    nitro: [
      ["pcr0", hex(48), MEASUREMENT],
      ["pcr1", hex(48), MEASUREMENT],
      ["pcr2", hex(48), MEASUREMENT],
      ["pcr3", hex(48), MEASUREMENT],
      ["pcr4", hex(48), MEASUREMENT],
      ["pcr8", hex(48), MEASUREMENT],
      ["platformIds", hex(16), PLATFORM],
      ["publicKey", hex(1), ATTRIBUTE],
      ["nonce", hex(1), BINDING],
      ["reportData", hex(64), BINDING],
    ],
    nvidia: [
      ["hardwareModel", { oneOf: ["GB100 A01 GSP BROM"] }, ATTRIBUTE],
      ["driverVersion", { oneOf: ["590.13"] }, ATTRIBUTE],
      ["vbiosVersion", { oneOf: ["96.00.A5.00.02"] }, ATTRIBUTE],
      ["measurements", { byIndex: { "1": [`0x${"ab".repeat(48)}`] } }, MEASUREMENT],
      ["measurements", { byIndex: { "4": [`0x${"01".repeat(48)}`] } }, MEASUREMENT],
      ["platformIds", { oneOf: ["0x06"] }, PLATFORM],
      ["reportData", hex(32), BINDING],
    ],
    azureSnp: [
      ...SNP_REFUSALS.filter(([rule]) => rule !== "reportData"),
      ...VTPM_REFUSALS,
      ["reportData", hex(5), BINDING],
    ],
    azureTdx: [
      ...TD_REFUSALS.filter(([rule]) => rule !== "reportData"),
      ...VTPM_REFUSALS,
      ["reportData", hex(5), BINDING],
    ],
    dstack: [
      ...TD_REFUSALS,
      ["appId", hex(20), MEASUREMENT],
      ["composeHash", hex(32), MEASUREMENT],
      ["instanceId", hex(20), MEASUREMENT],
      ["osImageHash", hex(32), MEASUREMENT],
      ["keyProvider", hex(2), MEASUREMENT],
    ],
  };

const KINDS = Object.keys(MAKE) as Kind[];

describe.for(KINDS)("%s", (kind) => {
  test("is accepted by the policy that was made from it, and by no policy that refuses its kind", async () => {
    const evidence = await MAKE[kind]();
    const policy = proposePolicy(evidence);
    expect(appraise(evidence, policy)).toBe("nothing thrown");
    const refusing = parseAppraisalPolicy({ ...policy, [kind]: { refuse: true } });
    expect(appraise(evidence, refusing)).toBe("APPRAISAL_KIND_REFUSED");
  });

  test.for(REFUSALS[kind])("is refused when %s does not fit", async ([rule, demand, code]) => {
    const evidence = await MAKE[kind]();
    const policy = proposePolicy(evidence);
    expect(appraise(evidence, changed(policy, kind, { [rule]: demand }))).toBe(code);
  });

  test("is refused when it is old", async () => {
    const evidence = await MAKE[kind]();
    const policy = changed(proposePolicy(evidence), kind, { freshness: { maxAgeSeconds: 10 } });
    expect(appraise(evidence, policy, evidence.verifiedAt + 10)).toBe("nothing thrown");
    expect(appraise(evidence, policy, evidence.verifiedAt + 11)).toBe("APPRAISAL_STALE");
  });

  test("needs every rule of its kind in the policy, and knows no other", async () => {
    const policy = proposePolicy(await MAKE[kind]());
    const section = policy[kind] as Readonly<Record<string, unknown>>;
    for (const rule of Object.keys(RULES[kind])) {
      const { [rule]: gone, ...others } = section;
      expect(gone, rule).toBeDefined();
      expect(codeOf(() => parseAppraisalPolicy({ ...policy, [kind]: others }))).toBe("INPUT_INVALID");
    }
    expect(
      codeOf(() => parseAppraisalPolicy({ ...policy, [kind]: { ...section, more: { acceptAny: true } } })),
    ).toBe("INPUT_INVALID");
  });

  test("widening any rule never turns acceptance into refusal", async () => {
    const evidence = await MAKE[kind]();
    const policy = proposePolicy(evidence);
    for (const rule of Object.keys(RULES[kind])) {
      const widened = codeOf(() => changed(policy, kind, { [rule]: { acceptAny: true } }));
      // Debug, revocation and TCB statuses have words of their own.
      if (widened !== "nothing thrown") continue;
      expect(appraise(evidence, changed(policy, kind, { [rule]: { acceptAny: true } })), rule).toBe(
        "nothing thrown",
      );
    }
  });
});

describe("debug is refused unless the policy says otherwise, in", () => {
  test.for<readonly [Kind, () => Promise<VerifiedEvidence>]>([
    ["snp", () => snp({}, { policy: 0xb0000n })],
    ["nitro", () => nitro({ fields: { pcrs: pcrs(new Uint8Array(48)) } })],
  ])("%s", async ([kind, make]) => {
    const evidence = await make();
    const policy = proposePolicy(evidence);
    expect(appraise(evidence, policy)).toBe("APPRAISAL_DEBUG_ENABLED");
    expect(appraise(evidence, changed(policy, kind, { debug: "acceptForTesting" }))).toBe("nothing thrown");
  });
});

test("a privilege level below the policy's is refused", async () => {
  const evidence = await snp({}, { vmpl: 2 });
  expect(appraise(evidence, changed(proposePolicy(evidence), "snp", { vmpl: { atMost: 1 } }))).toBe(
    ATTRIBUTE,
  );
});

test("a list that was looked into is proposed to be required", async () => {
  const evidence = await snp({ crl: {} });
  const policy = proposePolicy(evidence);
  expect(policy.snp).toMatchObject({ revocation: "require" });
  expect(appraise(evidence, policy)).toBe("nothing thrown");
});

test("a masked chip is on no list of platforms", async () => {
  const evidence = await snp({}, { chipId: new Uint8Array(64) });
  const policy = proposePolicy(evidence);
  expect(appraise(evidence, policy)).toBe("nothing thrown");
  expect(
    appraise(evidence, changed(policy, "snp", { platformIds: { oneOf: [`0x${"00".repeat(64)}`] } })),
  ).toBe(PLATFORM);
});

test("Turin's FMC counts", async () => {
  const evidence = await snp({ product: "Turin" });
  const policy = proposePolicy(evidence);
  expect(policy.snp).toMatchObject({ reportedTcbFmc: { atLeast: 1 } });
  expect(appraise(evidence, changed(policy, "snp", { reportedTcbFmc: { atLeast: 2 } }))).toBe(TCB);
});

describe("reference values by index", () => {
  test.for<readonly [Kind, string]>([
    ["nvidia", "measurements"],
    ["azureSnp", "pcrs"],
  ])("of %s are never an empty list, which would accept anything", async ([kind, rule]) => {
    const policy = proposePolicy(await MAKE[kind]());
    expect(codeOf(() => changed(policy, kind, { [rule]: { byIndex: {} } }))).toBe("INPUT_INVALID");
    expect(codeOf(() => changed(policy, kind, { [rule]: { byIndex: { "7": [] } } }))).toBe("INPUT_INVALID");
  });

  test("are in every manifest: one without any would establish that debug is off", async () => {
    const manifests = [{ component: "driver", version: "590.12", byIndex: {} }];
    const policy = proposePolicy(await nvidia());
    expect(codeOf(() => changed(policy, "nvidia", { measurements: { manifests } }))).toBe("INPUT_INVALID");
  });

  test("are proposed in words where nothing was observed", async () => {
    const evidence = await azureSnp({ selected: [] });
    expect(proposePolicy(evidence).azureSnp).toMatchObject({ pcrs: { acceptAny: true } });
    expect(appraise(evidence, proposePolicy(evidence))).toBe("nothing thrown");
  });
});

test("a PCR that the document does not have is on no list", async () => {
  const evidence = await nitro({ fields: { pcrs: new Map([[0, new Uint8Array(48).fill(1)]]) } });
  const policy = proposePolicy(evidence);
  expect(appraise(evidence, policy)).toBe("nothing thrown");
  expect(appraise(evidence, changed(policy, "nitro", { pcr1: hex(48) }))).toBe(MEASUREMENT);
});

test("an Azure VM that does not tell its boot state is on no list of those that do", async () => {
  const evidence = await azureSnp({ claims: ({ keys }) => ({ keys }) });
  const policy = proposePolicy(evidence);
  expect(appraise(evidence, policy)).toBe("nothing thrown");
  expect(appraise(evidence, changed(policy, "azureSnp", { secureBoot: { oneOf: ["true"] } }))).toBe(
    ATTRIBUTE,
  );
});
