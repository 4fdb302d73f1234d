import { sha256 } from "@noble/hashes/sha2.js";
import { describe, expect, test } from "vitest";
import { verifySnpReportUnder } from "../../../attestation/amd/verify-snp-report.ts";
import { verifyNitroDocumentUnder } from "../../../attestation/aws/verify-nitro-document.ts";
import {
  verifyAzureSnpEvidenceUnder,
  verifyAzureTdxEvidenceUnder,
} from "../../../attestation/azure/verify-azure-evidence.ts";
import {
  verifyDstackEvidenceUnder,
  verifyDstackNitroEvidenceUnder,
  verifyDstackNitroTpmEvidenceUnder,
  verifyDstackSnpEvidenceUnder,
} from "../../../attestation/dstack/verify-dstack-evidence.ts";
import { verifyNvidiaEvidenceUnder } from "../../../attestation/nvidia/verify-nvidia-evidence.ts";
import { appraiseEvidence } from "../../../attestation/policy/appraise.ts";
import { RULES, type AppraisalPolicy } from "../../../attestation/policy/policy.ts";
import { parseAppraisalPolicy } from "../../../attestation/policy/policy-file.ts";
import { explainPolicy } from "../../../attestation/policy/explain.ts";
import { openRules, proposePolicy } from "../../../attestation/policy/propose.ts";
import type { EvidenceKind, VerifiedEvidence } from "../../../attestation/evidence/verified-evidence.ts";
import { checksOf } from "../../../attestation/evidence/check-list.ts";
import { concatBytes, toUtf8 } from "../../../protocol/bytes.ts";
import type { AppraisalError } from "../../../protocol/errors.ts";
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
import {
  EVENTS,
  mintDstackQuote,
  mrConfigOf,
  pcr14Of,
  toQuoteResponse,
  toScale,
} from "../../support/fake-dstack.ts";
import { AT, FAKE_TRUST, mintFakeIntel, NOW } from "../../support/fake-intel.ts";
import { block, mintNvidiaWorld, NVIDIA_NOW, OPAQUE, type NvidiaPlan } from "../../support/fake-nvidia.ts";

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

async function nvidia(...plans: readonly Partial<NvidiaPlan>[]) {
  const worlds = await Promise.all((plans.length === 0 ? [{}] : plans).map((plan) => mintNvidiaWorld(plan)));
  return await verifyNvidiaEvidenceUnder(
    worlds[0]!.roots,
    worlds.map(({ device }) => device),
    { now: NVIDIA_NOW },
  );
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

const appraise = (evidence: VerifiedEvidence, policy: AppraisalPolicy, now = evidence.verifiedAt) =>
  codeOf(() => appraiseEvidence(evidence, policy, { now }));

const changed = (policy: AppraisalPolicy, kind: EvidenceKind, rules: object): AppraisalPolicy =>
  parseAppraisalPolicy({ ...policy, [kind]: { ...policy[kind], ...rules } });

const MEASUREMENT = "APPRAISAL_MEASUREMENT_UNKNOWN";
const ATTRIBUTE = "APPRAISAL_ATTRIBUTE_UNACCEPTABLE";
const TCB = "APPRAISAL_TCB_UNACCEPTABLE";
const PLATFORM = "APPRAISAL_PLATFORM_UNKNOWN";
const BINDING = "APPRAISAL_REPORT_DATA_MISMATCH";
const hex = (bytes: number) => ({ oneOf: [`0x${"ab".repeat(bytes)}`] });

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

/** The same tables on other hardware: that each kind has its own is what can go wrong. */
describe("dstack on other hardware", () => {
  const app = { appId: hex(20), composeHash: hex(32), instanceId: hex(20), keyProvider: hex(3) };

  test.for<readonly [string, () => Promise<VerifiedEvidence>, Readonly<Record<string, unknown>>]>([
    ["dstackSnp", dstackSnp, { ...app, measurement: hex(48), product: { oneOf: ["Genoa"] } }],
    ["dstackNitro", () => dstackAws("nitro"), { osImageHash: hex(32), pcr0: hex(48) }],
    ["dstackNitroTpm", () => dstackAws("nitroTpm"), { ...app, nonce: { oneOf: ["0x01"] } }],
  ])(
    "%s: what is proposed is accepted, and every rule refuses another value",
    async ([kind, make, rules]) => {
      const evidence = await make();
      expect(evidence.kind).toBe(kind);
      const policy = proposePolicy(evidence);
      expect(appraise(evidence, policy)).toBe("nothing thrown");
      for (const [rule, demand] of Object.entries(rules)) {
        const code = appraise(evidence, changed(policy, evidence.kind, { [rule]: demand }));
        expect(`${rule} ${code}`).toMatch(/ APPRAISAL_/);
      }
    },
  );
});

async function dstackSnp() {
  const { document, hostData } = mrConfigOf();
  const { roots, endorsements, signReport } = await mintAmdWorld();
  const platform = {
    kind: "snp",
    report: await signReport({ hostData }),
    certificates: [],
    mrConfig: document,
  } as const;
  const bytes = toScale({ platform, events: [], reportData: new Uint8Array(64).fill(0xd0) });
  return await verifyDstackSnpEvidenceUnder(roots, bytes, { endorsements, now: AMD_NOW });
}

async function dstackAws(kind: "nitro" | "nitroTpm"): Promise<VerifiedEvidence> {
  const field = kind === "nitro" ? "pcrs" : "nitrotpm_pcrs";
  const values = pcrs().set(14, pcr14Of(EVENTS));
  const { roots, document } = await mintAwsWorld({ fields: { pcrs: undefined, [field]: values } });
  const reportData = new Uint8Array(64).fill(0xd0);
  const bytes = toScale({ platform: { kind, document }, events: EVENTS, reportData });
  return kind === "nitro"
    ? await verifyDstackNitroEvidenceUnder(roots, bytes, { now: AWS_NOW })
    : await verifyDstackNitroTpmEvidenceUnder(roots, bytes, { now: AWS_NOW });
}

describe("several NVIDIA devices", () => {
  test("are judged each: one stranger refuses all", async () => {
    const evidence = await nvidia({}, { serial: 6 });
    const policy = proposePolicy(evidence);
    expect(appraise(evidence, policy)).toBe("nothing thrown");
    expect(appraise(evidence, changed(policy, "nvidia", { platformIds: { oneOf: ["0x05"] } }))).toBe(
      PLATFORM,
    );
  });

  test("of which one names no VBIOS are proposed without", async () => {
    const evidence = await nvidia({}, { opaque: OPAQUE.filter(([type]) => type !== 6), serial: 6 });
    const policy = proposePolicy(evidence);
    expect(policy.nvidia).toMatchObject({ vbiosVersion: { acceptAny: true } });
    const rules = { vbiosVersion: { oneOf: ["96.00.A5.00.01"] } };
    expect(appraise(evidence, changed(policy, "nvidia", rules))).toBe(ATTRIBUTE);
  });

  test("are counted, and no fewer are accepted", async () => {
    const four = await nvidia({}, { serial: 6 }, { serial: 7 }, { serial: 8 });
    const policy = proposePolicy(four);
    expect(policy.nvidia).toMatchObject({ devices: { gpus: 4, switches: 0 } });
    expect(appraise(four, policy)).toBe("nothing thrown");
    expect(appraise(await nvidia({}), policy)).toBe(ATTRIBUTE);
    expect(appraise(await nvidia({}), changed(policy, "nvidia", { devices: { acceptAny: true } }))).toBe(
      "nothing thrown",
    );
  });

  test("that send plain data through switches need the switches' evidence", async () => {
    const id = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const gpu = { opaque: [...OPAQUE, [22, id.toReversed()], [36, Uint8Array.of(2, 0)]] } as const;
    const itself = {
      serial: 9,
      opaque: [
        [22, id],
        [26, new Uint8Array()],
      ],
    } as const;
    const other = { ...itself, opaque: [[22, id.toReversed()] as const, [26, new Uint8Array()] as const] };
    const require = (evidence: VerifiedEvidence) =>
      appraise(evidence, changed(proposePolicy(evidence), "nvidia", { switches: "require" }));
    expect(require(await nvidia(gpu))).toBe(ATTRIBUTE);
    expect(require(await nvidia(gpu, other))).toBe(ATTRIBUTE);
    expect(require(await nvidia(gpu, itself))).toBe("nothing thrown");
    const alone = await nvidia(gpu);
    expect(proposePolicy(alone).nvidia).toMatchObject({ switches: "acceptWithout" });
    expect(appraise(alone, proposePolicy(alone))).toBe("nothing thrown");
  });

  test.for<readonly [string, NvidiaPlan["opaque"], string]>([
    ["does not say its mode", [], ATTRIBUTE],
    ["has a mode without plain links", [[36, Uint8Array.of(1, 0)]], "nothing thrown"],
    ["has an unprotected bus", [[21, Uint8Array.of(0x55)]], "nothing thrown"],
    ["has a status that is neither", [[21, Uint8Array.of(0x33)]], ATTRIBUTE],
    ["sends plain data and names no switch", [[36, Uint8Array.of(2, 0)]], ATTRIBUTE],
    ["sends plain data by its bus alone", [[21, Uint8Array.of(0xaa)]], ATTRIBUTE],
    [
      "sends plain data with every link off",
      [
        [21, Uint8Array.of(0xaa)],
        [22, new Uint8Array(144)],
      ],
      ATTRIBUTE,
    ],
  ])(
    "are refused where switches are required and a GPU %s, as nothing establishes them",
    async ([, mode, code]) => {
      const evidence = await nvidia({ opaque: [...OPAQUE, ...mode] });
      const policy = proposePolicy(evidence);
      expect(policy.nvidia).toMatchObject({ switches: code === ATTRIBUTE ? "acceptWithout" : "require" });
      expect(appraise(evidence, changed(policy, "nvidia", { switches: "require" }))).toBe(code);
    },
  );
});

/** A manifest as `policy from-rim` writes it. */
describe("NVIDIA's manifests in a policy", () => {
  const value = (index: number) => [`0x${index.toString(16).padStart(2, "0").repeat(48)}`];
  const driver = { component: "driver", version: "590.12", byIndex: { "1": value(1), "2": value(2) } };
  const vbios = { component: "vbios", version: "96.00.a5.00.01", byIndex: { "3": value(3) } };
  const withManifests = async (manifests: readonly object[], plan: Partial<NvidiaPlan> = {}) => {
    const evidence = await nvidia(plan);
    const rules = { measurements: { manifests }, debug: "refuse" };
    return appraise(evidence, changed(proposePolicy(evidence), "nvidia", rules));
  };

  test.for<readonly [string, readonly object[], string]>([
    ["both of a GPU's components", [driver, vbios], "nothing thrown"],
    ["those of other versions beside them", [{ ...driver, version: "1" }, driver, vbios], "nothing thrown"],
    ["no driver of this version", [{ ...driver, version: "580.1" }, vbios], MEASUREMENT],
    ["no VBIOS", [driver], MEASUREMENT],
    ["another measurement", [{ ...driver, byIndex: { "1": value(9) } }, vbios], MEASUREMENT],
    ["a measurement that is not there", [{ ...driver, byIndex: { "40": value(1) } }, vbios], MEASUREMENT],
  ])("with %s", async ([, manifests, code]) => {
    expect(await withManifests(manifests)).toBe(code);
  });

  test("compare the decoder's measurement only where it is on", async () => {
    const manifests = [{ ...driver, byIndex: { "36": value(9) } }, vbios];
    const decoder = (status: number) => ({ opaque: [...OPAQUE, [11, Uint8Array.of(status)] as const] });
    expect(await withManifests(manifests, decoder(0x55))).toBe("nothing thrown");
    expect(await withManifests(manifests, decoder(0xaa))).toBe(MEASUREMENT);
  });

  test("are what establishes that debug is off", async () => {
    const evidence = await nvidia({});
    const policy = proposePolicy(evidence);
    expect(policy.nvidia).toMatchObject({ debug: "acceptUnknown" });
    expect(appraise(evidence, changed(policy, "nvidia", { debug: "refuse" }))).toBe(
      "APPRAISAL_DEBUG_UNKNOWN",
    );
  });

  test("leave open what nothing establishes, and say so", async () => {
    const evidence = await nvidia({ opaque: [...OPAQUE, [36, Uint8Array.of(2, 0)]] });
    const policy = proposePolicy(evidence);
    const { checks } = appraiseEvidence(evidence, policy, { now: evidence.verifiedAt });
    const leftOpen = checks.filter(({ state }) => state === "left open").map(({ name }) => name);
    expect(leftOpen).toEqual(expect.arrayContaining(["switches", "debug", "revocation"]));
    expect(openRules(policy)).toEqual(
      expect.arrayContaining(["nvidia.switches", "nvidia.debug", "nvidia.revocation"]),
    );
    const [section] = explainPolicy(policy).accepted;
    expect(section?.demands.join(" ")).toContain("switches need not be here");
  });

  test("establish nothing of debug where a measurement is another", async () => {
    const evidence = await nvidia({});
    const checksWith = (manifests: readonly object[]): string => {
      const policy = changed(proposePolicy(evidence), "nvidia", {
        measurements: { manifests },
        debug: "refuse",
      });
      try {
        appraiseEvidence(evidence, policy, { now: evidence.verifiedAt });
        return "accepted";
      } catch (error) {
        const checks = checksOf(error as AppraisalError);
        return checks
          .flatMap((check) => (check.ok === false ? `${check.name} ${check.error.code}` : []))
          .join();
      }
    };
    expect(checksWith([driver, vbios])).toBe("accepted");
    expect(checksWith([{ ...driver, byIndex: { "1": value(9) } }, vbios])).toBe(
      `measurements ${MEASUREMENT},debug APPRAISAL_DEBUG_UNKNOWN`,
    );
  });

  test("have the measurements proposed that they share", async () => {
    const blocks = [1, 2, 3].map((index) => block(index, new Uint8Array(48).fill(index === 2 ? 9 : index)));
    const { nvidia: section } = proposePolicy(await nvidia({}, { blocks, serial: 6 }));
    const values = { "1": [`0x${"01".repeat(48)}`], "3": [`0x${"03".repeat(48)}`] };
    expect(section).toMatchObject({ measurements: { byIndex: values } });
    expect(JSON.stringify(section)).not.toContain("0909");
  });
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
