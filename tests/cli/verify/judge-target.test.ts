/** What `adyton verify` does not take, whatever it is pointed at: what would be ignored is refused by its name. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { judgeTarget, type TargetOptions } from "../../../cli/verify/judge-target.ts";

const EXAMPLES = join(import.meta.dirname, "../../../examples/evidence");
const RECEIPT = join(EXAMPLES, "simulated-receipt.json");
const QUOTE = join(EXAMPLES, "simulated-quote.bin");

const refusal = (told: string): object => ({
  exitCode: 64,
  report: { error: { code: "INPUT_INVALID", message: expect.stringContaining(told) as string } },
});

test.for<readonly [string, TargetOptions]>([
  ["--time", { time: "2026-11-01" }],
  ["--endorsements", { endorsements: "nowhere" }],
  ["--nonce", { nonce: "0x00" }],
  ["--report-data", { reportData: "0x00" }],
  ["--init-policy", { initPolicy: "nowhere" }],
  ["--online", { online: true }],
  ["--hosts", { hosts: "nowhere" }],
  ["--from-source", { fromSource: "nowhere" }],
  ["--platform", { platform: "tdx" }],
  ["--releases", { releases: "nowhere" }],
  ["--release-key", { releaseKey: "nowhere" }],
])("a receipt is not judged while %s would be ignored", async ([option, options]) => {
  expect(await judgeTarget(RECEIPT, options)).toMatchObject(
    refusal(`leave ${option} out: a receipt is judged`),
  );
});

test.for<readonly [string, TargetOptions]>([
  ["--rpc and --log-proof are for receipts", { rpc: "http://127.0.0.1:9" }],
  ["--rpc and --log-proof are for receipts", { logProof: RECEIPT }],
  ["--receipt is for the COSE twin of a receipt", { receipt: RECEIPT }],
])("a quote is not judged while an option of receipts would be ignored: %s", async ([told, options]) => {
  expect(await judgeTarget(QUOTE, options)).toMatchObject(refusal(told));
});

test("an empty file is told to be empty: nothing is in it that could be judged", async () => {
  const folder = mkdtempSync(join(tmpdir(), "adyton-empty-"));
  try {
    const file = join(folder, "quote bytes.bin");
    writeFileSync(file, "");
    expect(await judgeTarget(file, {})).toMatchObject(refusal(`${file} is empty`));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
