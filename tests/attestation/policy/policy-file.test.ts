/** Policies on disk: of every version, with errors that say where and what was meant. */

import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { verifySnpReportUnder } from "../../../attestation/amd/verify-snp-report.ts";
import type { VerifiedEvidence } from "../../../attestation/evidence/verified-evidence.ts";
import { appraiseEvidence } from "../../../attestation/policy/appraise.ts";
import { explainPolicy } from "../../../attestation/policy/explain.ts";
import { parseAppraisalPolicy, parsePolicyFile } from "../../../attestation/policy/policy-file.ts";
import { RULES } from "../../../attestation/policy/policy.ts";
import { openRules, proposePolicy } from "../../../attestation/policy/propose.ts";
import { verifySimulatorEvidence } from "../../../attestation/simulator/verify-simulator.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { configurationSchemas } from "../../../tools/write-configuration-schemas.ts";
import { codeOf } from "../../support/code-of.ts";
import { AMD_NOW, mintAmdWorld } from "../../support/fake-amd.ts";
import { SIMULATED_NOW, simulatedQuote } from "../../support/simulated-evidence.ts";

let simulated: VerifiedEvidence;
let snp: VerifiedEvidence;
let policy: Record<string, Record<string, unknown>>;
let snpPolicy: Record<string, Record<string, unknown>>;

beforeAll(async () => {
  simulated = await verifySimulatorEvidence(await simulatedQuote(), { now: SIMULATED_NOW });
  policy = proposePolicy(simulated) as never;
  const world = await mintAmdWorld();
  snp = await verifySnpReportUnder(world.roots, await world.signReport(), {
    endorsements: world.endorsements,
    now: AMD_NOW,
  });
  snpPolicy = proposePolicy(snp) as never;
});

const withRules = (base: Record<string, Record<string, unknown>>, kind: string, change: object): unknown => ({
  ...base,
  [kind]: { ...base[kind], ...change },
});
const messageOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  return "nothing thrown";
};
const judge = (evidence: VerifiedEvidence, json: unknown): string =>
  codeOf(() => appraiseEvidence(evidence, parseAppraisalPolicy(json), { now: evidence.verifiedAt }));

/** Rules of one kind as version 1 had them. */
const ofVersion1 = (kind: "simulator", section: Record<string, unknown>): object =>
  Object.fromEntries(
    Object.entries(section).filter(
      ([name]) => (RULES[kind] as Record<string, { since?: number }>)[name]?.since === undefined,
    ),
  );
const VERSION_1_KINDS = ["sgx", "tdx", "snp", "nitro", "nvidia", "azureSnp", "azureTdx", "dstack"];

describe("versions", () => {
  test("a file of version 1 is read as it was: later kinds are refused, later rules left open", () => {
    const old = {
      version: 1,
      ...Object.fromEntries(VERSION_1_KINDS.map((kind) => [kind, { refuse: true }])),
      simulator: ofVersion1("simulator", policy["simulator"]!),
    };
    const read = parseAppraisalPolicy(old);
    expect(read).toMatchObject({ pieces: "all", dstackSnp: { refuse: true }, nitroTpm: { refuse: true } });
    expect(read.simulator).toMatchObject({
      xfamBits: { acceptAny: true },
      combinations: { acceptAny: true },
    });
    expect(judge(simulated, old)).toBe("nothing thrown");
    expect(messageOf(() => parseAppraisalPolicy({ ...old, sgx: undefined }))).toContain("sgx is missing");
  });

  test("a file of version 2 refuses the kinds that it does not name", () => {
    const short = { version: 2, pieces: "all", simulator: policy["simulator"] };
    expect(parseAppraisalPolicy(short).tdx).toEqual({ refuse: true });
    expect(judge(simulated, short)).toBe("nothing thrown");
    expect(judge(snp, short)).toBe("APPRAISAL_KIND_REFUSED");
  });

  test("another version is not guessed at", () => {
    expect(messageOf(() => parseAppraisalPolicy({ ...policy, version: 4 }))).toContain("version is 4");
  });

  test("the published schema is of this code", async () => {
    const url = new URL("../../../docs/reference/policy.schema.json", import.meta.url);
    const published: unknown = JSON.parse(await readFile(url, "utf8"));
    expect(published).toEqual(JSON.parse(configurationSchemas()["policy.schema.json"]!));
  });
});

describe("a mistake is named with its place, and what was meant", () => {
  test.for<readonly [string, object, string]>([
    [
      "a rule misspelt",
      { mrTD: { acceptAny: true } },
      "simulator.mrTD is not known: did you mean simulator.mrTd?",
    ],
    [
      "a form that it has not",
      { mrTd: { noneOf: [] } },
      'simulator.mrTd.noneOf is not known: did you mean oneOf?; simulator.mrTd is {"oneOf": [text as',
    ],
    ["a form misspelt", { mrTd: { oneof: [] } }, "simulator.mrTd.oneof is not known: did you mean oneOf?"],
    [
      "a bit that is not one",
      { xfamBits: { set: ["avx"], clear: ["avx1024"] } },
      'simulator.xfamBits.clear[0] cannot be "avx1024"; simulator.xfamBits is {"set"',
    ],
    [
      "a bit misspelt",
      { xfamBits: { set: ["ssse"], clear: [] } },
      'simulator.xfamBits.set[0] cannot be "ssse": did you mean sse?',
    ],
    ["half of a form", { xfamBits: { set: ["avx"] } }, "simulator.xfamBits.clear is missing; "],
    [
      "a form that demands nothing",
      { xfamBits: { set: [], clear: [] } },
      'simulator.xfamBits cannot be {"set":[],"clear":[]}: name a bit, or write {"acceptAny": true}; ',
    ],
    [
      "a rule misspelt deep in a combination",
      {
        combinations: {
          oneOf: [
            { mrTd: "0x", rtMr1: "0x" },
            { mrTD: "0x", rtMr1: "0x" },
          ],
        },
      },
      "simulator.combinations.oneOf[1].mrTD is not known: did you mean mrTd?",
    ],
    ["a number as text", { pceSvn: { atLeast: "13" } }, 'simulator.pceSvn.atLeast cannot be "13"; '],
    ["digits in upper case", { mrTd: { oneOf: [`0x${"AB".repeat(48)}`] } }, "simulator.mrTd.oneOf[0] cannot"],
    ["a word misspelt", { debug: "refused" }, 'simulator.debug cannot be "refused": did you mean refuse?'],
    ["a list where a rule is", { freshness: [60] }, "simulator.freshness cannot be [60]; "],
  ])("%s", ([, change, expected]) => {
    const message = messageOf(() => parseAppraisalPolicy(withRules(policy, "simulator", change), "my.json"));
    expect(message).toContain("my.json: ");
    expect(message).toContain(expected);
  });

  test("a kind misspelt", () => {
    expect(messageOf(() => parseAppraisalPolicy({ ...policy, azureSNP: {} }))).toContain(
      "did you mean azureSnp?",
    );
  });

  test.for<readonly [string, unknown, string]>([
    [
      "misspelt",
      { need: ["tdx"] },
      'pieces.need is not known: did you mean needs?; pieces is "all" or {"needs"',
    ],
    [
      "of a kind that is none",
      { needs: ["tdx", "sngx"] },
      'pieces.needs[1] cannot be "sngx": did you mean sgx?',
    ],
    ["that are none", "every", 'pieces cannot be "every"'],
  ])("pieces %s", ([, pieces, expected]) => {
    const message = messageOf(() => parseAppraisalPolicy({ ...policy, pieces }, "my.json"));
    expect(message).toContain(`my.json: ${expected}`);
  });

  test("a rule named twice is refused, whichever of the two is the stricter", () => {
    const text = JSON.stringify(policy).replace(
      '"debug":"refuse"',
      '"debug":"refuse","debug":"acceptForTesting"',
    );
    expect(messageOf(() => parsePolicyFile(toUtf8(text), "twice.json"))).toContain(
      "twice.json: simulator.debug stands there twice",
    );
    expect(codeOf(() => parsePolicyFile(toUtf8(text)))).toBe("INPUT_INVALID");
  });

  test("text that is not JSON names its file; a byte order mark is nothing", () => {
    expect(messageOf(() => parsePolicyFile(toUtf8("{"), "broken.json"))).toContain(
      "broken.json: is not JSON",
    );
    expect(messageOf(() => parsePolicyFile(toUtf8(""), "empty.json"))).toContain("empty.json: is empty");
    expect(codeOf(() => parsePolicyFile(toUtf8(`\uFEFF${JSON.stringify(policy)}`)))).toBe("nothing thrown");
  });
});

test.for(["mrTd", "rtMr1", "rtMr2"])("a policy that reads the event log must pin %s", (open) => {
  const log = {
    rtMr3Events: { appId: { oneOf: [`0x${"11".repeat(20)}`] }, composeHash: { acceptAny: true } },
  };
  const change = { ...log, [open]: { acceptAny: true } };
  expect(messageOf(() => parseAppraisalPolicy(withRules(policy, "simulator", change)))).toContain(
    "nothing establishes it",
  );
  expect(codeOf(() => parseAppraisalPolicy(withRules(policy, "simulator", log)))).toBe("nothing thrown");
});

describe("combinations", () => {
  const combination = (mrTd: string, rtMr1: string): object => ({ mrTd, rtMr1 });
  const A = `0x${"aa".repeat(48)}`;
  const B = `0x${"bb".repeat(48)}`;
  const open = { mrTd: { acceptAny: true }, rtMr1: { acceptAny: true } };

  test("accept values that stand in one entry together, and not those of two", () => {
    const { mrTd, rtMr1 } = simulated.claims as { mrTd: string; rtMr1: string };
    const demand = (...oneOf: object[]): unknown =>
      withRules(policy, "simulator", { ...open, combinations: { oneOf } });
    expect(judge(simulated, demand(combination(A, B), combination(mrTd, rtMr1)))).toBe("nothing thrown");
    expect(judge(simulated, demand(combination(mrTd, B), combination(A, rtMr1)))).toBe(
      "APPRAISAL_MEASUREMENT_UNKNOWN",
    );
  });

  test("name two values or more, and only those that are compared as one value", () => {
    for (const entry of [{ mrTd: A }, { mrTd: A, freshness: 1 }]) {
      const bad = withRules(policy, "simulator", { combinations: { oneOf: [entry] } });
      expect(codeOf(() => parseAppraisalPolicy(bad))).toBe("INPUT_INVALID");
    }
  });
});

describe("SEV-SNP", () => {
  const bits = (name: string, set: string[], clear: string[]): unknown =>
    withRules(snpPolicy, "snp", { [name]: { set, clear } });

  test("named bits of PLATFORM_INFO and of the guest's policy are demanded by themselves", () => {
    const info = BigInt((snp.claims as { platformInfo: string }).platformInfo);
    const smt = (info & 1n) === 1n;
    expect(judge(snp, bits("platformInfoBits", smt ? ["smtEnabled"] : [], smt ? [] : ["smtEnabled"]))).toBe(
      "nothing thrown",
    );
    expect(judge(snp, bits("platformInfoBits", smt ? [] : ["smtEnabled"], smt ? ["smtEnabled"] : []))).toBe(
      "APPRAISAL_ATTRIBUTE_UNACCEPTABLE",
    );
    expect(judge(snp, bits("policyBits", [], ["debugAllowed"]))).toBe("nothing thrown");
    expect(judge(snp, bits("policyBits", ["debugAllowed"], []))).toBe("APPRAISAL_ATTRIBUTE_UNACCEPTABLE");
    expect(codeOf(() => parseAppraisalPolicy(bits("policyBits", ["debugAllowed"], ["debugAllowed"])))).toBe(
      "INPUT_INVALID",
    );
  });

  test("floors of the other TCBs are by component", () => {
    const { committedTcb } = snp.claims as { committedTcb: { snp: number } };
    const floor = (level: number): unknown =>
      withRules(snpPolicy, "snp", { committedTcb: { atLeast: { snp: level } } });
    expect(judge(snp, floor(committedTcb.snp))).toBe("nothing thrown");
    expect(judge(snp, floor(committedTcb.snp + 1))).toBe("APPRAISAL_TCB_UNACCEPTABLE");
  });
});

test("a policy is explained in sentences, with what it leaves open", () => {
  const { accepted, refused, pieces } = explainPolicy(parseAppraisalPolicy(policy));
  expect(accepted.map(({ kind }) => kind)).toEqual(["simulator"]);
  expect(refused).toContain("tdx");
  const [{ demands, open }] = accepted as [(typeof accepted)[number]];
  expect(demands).toContain("debug must be off, and known to be.");
  expect(demands.find((text) => text.startsWith("mrTd must be 0x"))).toBeDefined();
  expect(open).toContain("mrSeam");
  expect(openRules(parseAppraisalPolicy(policy))).toContain("simulator.mrSeam");
  expect(pieces).toContain("every piece");
});
