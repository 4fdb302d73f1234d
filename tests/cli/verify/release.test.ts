/** `adyton verify --releases`: which release a measurement is, and refusal of one that is none. */

import { ed25519 } from "@noble/curves/ed25519.js";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyEvidenceCommand } from "../../../cli/verify/evidence-command.ts";
import { SIMULATED_MEASUREMENTS } from "../../../enclave/attesters/simulator/simulator-attester.ts";
import { signLogHead } from "../../../protocol/receipt-log.ts";
import { formatVerifierKey } from "../../../protocol/verifier-key.ts";
import { toHex, type Hex } from "../../../protocol/bytes.ts";
import { SIMULATED_TIME, simulatedQuote } from "../../support/simulated-evidence.ts";

const NAME = "adyton.example/releases";
const KEY = new Uint8Array(32).fill(9);
const releaseKey = formatVerifierKey({ name: NAME, publicKey: ed25519.getPublicKey(KEY) });
const folder = mkdtempSync(join(tmpdir(), "adyton-release-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const { mrTd, rtMr1, rtMr2, rtMr3 } = SIMULATED_MEASUREMENTS;

beforeAll(() => {
  const registers = { MRTD: [mrTd], RTMR0: "any", RTMR1: [rtMr1], RTMR2: [rtMr2], RTMR3: [rtMr3] };
  const entry = {
    version: "1.2.3",
    commit: "f".repeat(40),
    manifestSha256: "e".repeat(64),
    measurements: [{ platform: "tdx", registers }],
  };
  const lines = [JSON.stringify(entry)];
  writeFileSync(join(folder, "releases.jsonl"), `${lines.join("\n")}\n`);
  writeFileSync(join(folder, "checkpoint"), signLogHead(lines, NAME, KEY));
});

async function verify(
  measurements: { readonly rtMr2?: Hex },
  options: Readonly<Record<string, string>> = {},
): ReturnType<typeof verifyEvidenceCommand> {
  const bytes = await simulatedQuote(new Uint8Array(64), {
    measurements: { ...SIMULATED_MEASUREMENTS, ...measurements },
  });
  return await verifyEvidenceCommand(
    { name: "quote.bin", bytes },
    { time: SIMULATED_TIME, releases: folder, releaseKey, ...options },
  );
}

describe("a measurement", () => {
  test("is told by the log's release, with its commit", async () => {
    const { exitCode, report } = await verify({});
    expect(exitCode).toBe(4);
    expect(report.checks.at(-1)).toMatchObject({ name: "release", ok: true, found: "1.2.3" });
    expect(report.checks.at(-1)?.detail).toContain(`commit ${"f".repeat(40)}`);
  });

  test("of no release is refused", async () => {
    const { exitCode, report } = await verify({ rtMr2: toHex(new Uint8Array(48)) });
    expect(exitCode).toBe(2);
    expect(report.error).toMatchObject({ code: "APPRAISAL_MEASUREMENT_UNKNOWN" });
  });

  test("is not told by a log that somebody else signed", async () => {
    const other = formatVerifierKey({
      name: NAME,
      publicKey: ed25519.getPublicKey(new Uint8Array(32).fill(1)),
    });
    const { report } = await verify({}, { releaseKey: other });
    expect(report.error).toMatchObject({ code: "EVIDENCE_SIGNATURE_INVALID" });
  });

  test.for<[string, Readonly<Record<string, string>>]>([
    ["a key that is none", { releaseKey: "adyton" }],
    ["a folder without a log", { releases: join(folder, "nowhere") }],
    ["a comparison with sources on no platform", { fromSource: folder }],
  ])("%s is a wrong use", async ([, options]) => {
    expect(await verify({}, options)).toMatchObject({ exitCode: 64 });
  });
});
