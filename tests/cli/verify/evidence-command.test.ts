import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:tls";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyEvidenceCommand } from "../../../cli/verify/evidence-command.ts";
import type { EvidenceOptions } from "../../../cli/verify/evidence-options.ts";
import { readEvidenceTarget } from "../../../cli/verify/evidence-target.ts";
import { describeOutcome } from "../../../cli/verify/describe.ts";
import type { VerifyOutcome } from "../../../cli/verify/report.ts";
import { concatBytes, toHex, toUtf8, type Hex } from "../../../protocol/bytes.ts";
import { mintFakeIntel, NOW } from "../../support/fake-intel.ts";
import { flipBit } from "../../support/fake-x509.ts";
import { bundleFile } from "../../support/intel-documents.ts";
import { rejectionOf } from "../../support/rejection-of.ts";
import {
  SIMULATED_TIME,
  simulatedAttestation,
  simulatedQuote,
  simulatedServer,
} from "../../support/simulated-evidence.ts";

const NONCE: Hex = `0x${"a5".repeat(32)}`;
const at = { time: SIMULATED_TIME };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adyton-verify-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const verify = async (
  bytes: Uint8Array<ArrayBuffer>,
  options: EvidenceOptions = at,
): Promise<VerifyOutcome> => await verifyEvidenceCommand({ name: "evidence", bytes }, options);

let files = 0;
async function write(content: string | Uint8Array): Promise<string> {
  const path = join(folder, `file-${files++}.json`);
  await writeFile(path, content);
  return path;
}

/** A policy from what was seen, with one of its rules changed. */
async function policyFor(
  bytes: Uint8Array<ArrayBuffer>,
  change: Record<string, unknown> = {},
): Promise<string> {
  const path = join(folder, `policy-${files++}.json`);
  await verify(bytes, { ...at, initPolicy: path });
  const policy = JSON.parse(await readFile(path, "utf8")) as { simulator: object };
  return await write(JSON.stringify({ ...policy, simulator: { ...policy.simulator, ...change } }));
}

describe("exit status", () => {
  test("0: genuine, and accepted by a policy", async () => {
    const quote = await simulatedQuote();
    const { exitCode, report } = await verify(quote, { ...at, policy: await policyFor(quote) });
    expect(exitCode).toBe(0);
    expect(report).toMatchObject({
      kind: "simulator",
      verified: true,
      appraised: true,
      tcbStatus: "UpToDate",
    });
    expect(report.checks.every(({ ok }) => ok)).toBe(true);
    expect(report.checks.some(({ name }) => name === "policy: mrTd")).toBe(true);
    expect(report).not.toHaveProperty("error");
  });

  test("4: genuine, and nothing was appraised", async () => {
    const { exitCode, report } = await verify(await simulatedQuote());
    expect(exitCode).toBe(4);
    expect(report).toMatchObject({ verified: true, appraised: null, advisories: [] });
    expect(report.claims).toMatchObject({ reportData: `0x${"00".repeat(64)}` });
  });

  test("1: not genuine, by one bit", async () => {
    const quote = await simulatedQuote();
    const { exitCode, report } = await verify(flipBit(quote, 8 * 200));
    expect(exitCode).toBe(1);
    expect(report).toMatchObject({
      kind: "simulator",
      verified: false,
      appraised: null,
      error: { code: "EVIDENCE_SIGNATURE_INVALID" },
    });
    expect(report.headline).toBe("Not genuine: altered.");
    expect(report.checks.find(({ ok }) => !ok)).toMatchObject({
      name: "quote signature",
      link: "evidence",
      state: "fails",
      range: { from: 0, until: 632 },
    });
    expect(report.checks.filter(({ state }) => state === "holds").map(({ name }) => name)).toContain(
      "TCB evaluation",
    );
    expect(report).toMatchObject({ claimsVerified: false, claims: { mrTd: expect.any(String) as unknown } });
  });

  test.for([
    ["nothing", new Uint8Array()],
    ["text", toUtf8("hello")],
    ["a picture", Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13)],
    ["a token of somebody else's", toUtf8("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL3guZXhhbXBsZSJ9.c2ln")],
  ] as const)("3: %s is not evidence, and so nothing was shown to be false", async ([, bytes]) => {
    const { exitCode, report } = await verify(bytes);
    expect(exitCode).toBe(3);
    expect(report.headline).toBe("Cannot be judged.");
    expect(report).toMatchObject({ kind: "unknown", claims: {}, error: { code: "EVIDENCE_UNSUPPORTED" } });
  });

  test("2: genuine, and refused by the policy, with what it claims", async () => {
    const quote = await simulatedQuote();
    const policy = await policyFor(quote, { mrTd: { oneOf: [`0x${"00".repeat(48)}`] } });
    const { exitCode, report } = await verify(quote, { ...at, policy });
    expect(exitCode).toBe(2);
    expect(report).toMatchObject({
      verified: true,
      appraised: false,
      error: { code: "APPRAISAL_MEASUREMENT_UNKNOWN" },
    });
    const failed = report.checks.filter(({ ok }) => !ok);
    expect(failed).toMatchObject([
      {
        name: "policy: mrTd",
        state: "fails",
        found: report.claims["mrTd"],
        expected: `0x${"00".repeat(48)}`,
      },
    ]);
    // The other rules are applied all the same.
    expect(report.checks.map(({ name }) => name)).toContain("policy: freshness");
    expect(report.sentence).toBe(
      `It is not what your policy accepts: mrTd is ${String(report.claims["mrTd"])}, you list 1.`,
    );
  });

  test("2: debug, although the policy was made from it", async () => {
    const quote = await simulatedQuote(new Uint8Array(64), { debug: "on" });
    const { exitCode, report } = await verify(quote, { ...at, policy: await policyFor(quote) });
    expect(exitCode).toBe(2);
    expect(report.error?.code).toBe("APPRAISAL_DEBUG_ENABLED");
  });

  test("3: no endorsements to judge with, and how to give them", async () => {
    const { quote } = await mintFakeIntel();
    const { exitCode, report } = await verify(quote);
    expect(exitCode).toBe(3);
    expect(report).toMatchObject({
      kind: "tdx",
      verified: false,
      error: { code: "ENDORSEMENT_UNAVAILABLE" },
    });
    expect(report.error?.message).toContain("--endorsements");
  });

  test("3: endorsements out of date", async () => {
    const intel = await mintFakeIntel();
    const endorsements = await write(bundleFile(intel).bytes);
    const { exitCode, report } = await verify(intel.quote, { time: "2040-01-01", endorsements });
    expect(exitCode).toBe(3);
    expect(report.error?.code).toMatch(/^ENDORSEMENT_/);
  });

  test.for([
    ["a time that is none", { time: "yesterday" }],
    ["a time of day without its zone", { time: "2026-01-01T10:00:00" }],
    ["a date that is not in the calendar", { time: "2026-13-01" }],
    ["a nonce that is not hex", { nonce: "xyz" }],
    ["an empty nonce", { nonce: "0x" }],
    ["report data past every format", { reportData: "00".repeat(1_025) }],
    ["a policy that is not there", { policy: "/no/such/policy.json" }],
    ["endorsements that are not there", { endorsements: "/no/such/folder" }],
  ] as const)("64: %s", async ([, options]) => {
    const { exitCode, report } = await verify(await simulatedQuote(), { ...at, ...options });
    expect(exitCode).toBe(64);
    expect(report).toMatchObject({ verified: false, appraised: null });
    expect(report.error?.code).toMatch(/^INPUT_/);
  });

  test.for([
    ["not JSON", "{"],
    ["not a policy", "{}"],
  ] as const)("64: a policy that is %s", async ([, text]) => {
    const { exitCode } = await verify(await simulatedQuote(), { ...at, policy: await write(text) });
    expect(exitCode).toBe(64);
  });
});

describe("--init-policy", () => {
  test("writes a policy that accepts what was seen and refuses its neighbour", async () => {
    const quote = await simulatedQuote();
    const policy = await policyFor(quote);
    const neighbour = await simulatedQuote(new Uint8Array(64), {
      measurements: { rtMr1: `0x${"01".repeat(48)}` },
    });
    expect((await verify(quote, { ...at, policy })).exitCode).toBe(0);
    expect((await verify(neighbour, { ...at, policy })).exitCode).toBe(2);
  });

  test("of a document with two pieces of one kind accepts both, and nothing between them", async () => {
    const build = async (mrTd: string, rtMr1: string) =>
      await simulatedQuote(new Uint8Array(64), {
        measurements: { mrTd: `0x${mrTd.repeat(48)}`, rtMr1: `0x${rtMr1.repeat(48)}` },
      });
    const [first, second] = [await build("01", "01"), await build("02", "02")];
    const policy = await policyFor(toUtf8(JSON.stringify({ a: toHex(first), b: toHex(second) })));
    expect((await verify(first, { ...at, policy })).exitCode).toBe(0);
    expect((await verify(second, { ...at, policy })).exitCode).toBe(0);
    expect((await verify(await build("01", "02"), { ...at, policy })).exitCode).toBe(2);
  });

  test("appraises nothing by itself, and never overwrites a policy", async () => {
    const path = join(folder, "kept.json");
    const quote = await simulatedQuote();
    expect((await verify(quote, { ...at, initPolicy: path })).exitCode).toBe(4);
    const kept = await readFile(path, "utf8");
    const again = await verify(quote, { ...at, initPolicy: path });
    expect(again).toMatchObject({ exitCode: 64, report: { error: { code: "INPUT_CONFLICT" } } });
    expect(await readFile(path, "utf8")).toBe(kept);
  });

  test("says why a policy cannot be written", async () => {
    const path = join(folder, "no", "such", "policy.json");
    expect(await verify(await simulatedQuote(), { ...at, initPolicy: path })).toMatchObject({
      exitCode: 64,
      report: { error: { code: "INPUT_INVALID", message: `cannot write ${path}: there is no such folder` } },
    });
  });

  test("writes nothing for evidence that is not genuine", async () => {
    const path = join(folder, "never.json");
    await verify(flipBit(await simulatedQuote(), 8 * 200), { ...at, initPolicy: path });
    await expect(readFile(path)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("what the evidence was made for", () => {
  const reportData = concatBytes(new Uint8Array(32).fill(0xa5), new Uint8Array(32));

  test.for([
    ["all of the report data", { reportData: toHex(reportData) }, 4],
    ["its beginning, zeros following", { reportData: NONCE }, 4],
    ["without a prefix, in upper case", { reportData: "A5".repeat(32) }, 4],
    ["another", { reportData: `0x${"a6".repeat(32)}` }, 2],
    ["a part of it that zeros do not follow", { reportData: `0x${"a5".repeat(31)}` }, 2],
    ["more than it", { reportData: `${toHex(reportData)}00` }, 2],
    ["the nonce, as people put it there", { nonce: NONCE }, 4],
    ["another nonce", { nonce: `0x${"a5".repeat(31)}a4` }, 2],
  ] as const)("%s", async ([, demand, exitCode]) => {
    const outcome = await verify(await simulatedQuote(reportData), { ...at, ...demand });
    expect(outcome.exitCode).toBe(exitCode);
    if (exitCode === 2) expect(outcome.report.error?.code).toBe("APPRAISAL_REPORT_DATA_MISMATCH");
    else
      expect(outcome.report.checks.some(({ name }) => name === "nonce" || name === "report data")).toBe(true);
  });

  test("in an attestation of ours the nonce stands in the claims, which the report data commits to", async () => {
    const evidence = await simulatedAttestation(NONCE);
    const document = (change: object = {}): Uint8Array<ArrayBuffer> =>
      toUtf8(JSON.stringify({ evidence: { ...evidence, ...change } }));
    expect((await verify(document(), { ...at, nonce: NONCE })).exitCode).toBe(4);
    expect((await verify(document(), { ...at, nonce: `0x${"00".repeat(32)}` })).exitCode).toBe(2);
    const forged = (await simulatedAttestation(`0x${"00".repeat(32)}`)).claims;
    const outcome = await verify(document({ claims: forged }), { ...at, nonce: `0x${"00".repeat(32)}` });
    expect(outcome).toMatchObject({ exitCode: 1, report: { error: { code: "EVIDENCE_BINDING_MISMATCH" } } });
  });
});

describe("a server", () => {
  async function serving<T>(foreign: boolean, work: (url: string) => Promise<T>): Promise<T> {
    const server: Server = createServer(await simulatedServer(NONCE, foreign));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      return await work(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  }

  test("is judged by the evidence in its certificate, which names its key", async () => {
    await serving(false, async (url) => {
      const target = await readEvidenceTarget(url);
      const { exitCode, report } = await verifyEvidenceCommand(target, { ...at, nonce: NONCE });
      expect({ exitCode, kind: report.kind }).toEqual({ exitCode: 4, kind: "simulator" });
      expect(report.checks.find(({ name }) => name === "certificate key")?.detail).toContain("interoperable");
    });
  });

  test("whose evidence is for another key is not genuine", async () => {
    await serving(true, async (url) => {
      const outcome = await verifyEvidenceCommand(await readEvidenceTarget(url), at);
      expect(outcome).toMatchObject({
        exitCode: 1,
        report: { error: { code: "EVIDENCE_BINDING_MISMATCH" } },
      });
    });
  });

  test("that is not there cannot be read", async () => {
    const url = await serving(false, async (served) => await Promise.resolve(served));
    expect(await rejectionOf(async () => await readEvidenceTarget(url))).toBe("INPUT_NOT_FOUND");
    expect(await rejectionOf(async () => await readEvidenceTarget("https://"))).toBe("INPUT_INVALID");
  });
});

test("a file that cannot be read is the caller's mistake", async () => {
  expect(await rejectionOf(async () => await readEvidenceTarget("/no/such/file"))).toBe("INPUT_NOT_FOUND");
});

test("endorsements beside the evidence in its own document are used", async () => {
  const intel = await mintFakeIntel();
  const document = { quote: toHex(intel.quote), collateral: intel.collateral };
  const time = new Date(NOW * 1000).toISOString();
  const { report } = await verify(toUtf8(JSON.stringify(document)), { time });
  // Found, and then refused: the root that signed them is not Intel's.
  expect(report.error?.code).toBe("ENDORSEMENT_CHAIN_INVALID");
});

describe("for a person", () => {
  test("it says what it is, what was checked, what is claimed, and what that means", async () => {
    const text = describeOutcome(await verify(await simulatedQuote()));
    expect(text).toContain("SIMULATED evidence: no hardware stands behind it");
    expect(text).toMatch(/holds +quote signature +ECDSA P-256/);
    expect(text).toMatch(/mrTd +[0-9a-f]{8}…[0-9a-f]{4}\n/);
    expect(text).toMatch(/zero or absent +.*mrOwner/);
    expect(text).toMatch(/as seen +platform +UpToDate: has every update/);
    expect(text.split("\n")[0]).toBe("Simulated, not appraised.");
    expect(text).toMatch(/\nSimulated, not appraised\.\n/);
    expect(Math.max(...text.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(80);
  });

  test("digests are written out when asked for", async () => {
    const text = describeOutcome(await verify(await simulatedQuote()), { full: true });
    expect(text).toMatch(/0x[0-9a-f]{96}/);
  });

  test("debug mode stands out", async () => {
    const text = describeOutcome(await verify(await simulatedQuote(new Uint8Array(64), { debug: "on" })));
    expect(text).toMatch(/debug mode +ON: its host can read its memory/);
  });

  test("a refusal shows what failed and its code", async () => {
    const text = describeOutcome(await verify(flipBit(await simulatedQuote(), 8 * 200)));
    expect(text).toMatch(/fails +quote signature/);
    expect(text).toContain("[EVIDENCE_SIGNATURE_INVALID]");
    expect(text).toContain("Not genuine: altered.");
    expect(text).toMatch(/unverified[^]*mrTd/);
  });
});
