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
    expect(await judgeTarget(file, {})).toMatchObject({
      exitCode: 3,
      report: {
        error: { code: "EVIDENCE_UNSUPPORTED", message: `${file} is empty: there is nothing to judge` },
      },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Whatever stands in the place of something else: the receipt is genuine all the same. */
test.for<readonly [string, string]>([
  ["a policy", "simulated-policy.json"],
  ["a quote", "simulated-quote.bin"],
  ["the receipt itself", "simulated-receipt.json"],
])("a receipt is not false since %s was named as the log's proof", async ([, name]) => {
  expect(await judgeTarget(RECEIPT, { logProof: join(EXAMPLES, name) })).toMatchObject({
    exitCode: 3,
    report: { error: { code: "ENDORSEMENT_MALFORMED" } },
  });
});

test("a receipt that is on no chain is not false since a chain was to be asked", async () => {
  expect(await judgeTarget(RECEIPT, { rpc: "http://127.0.0.1:9" })).toMatchObject({
    exitCode: 3,
    report: {
      error: {
        code: "ENDORSEMENT_MISMATCH",
        message: expect.stringContaining("an off-chain receipt is on no chain") as string,
      },
    },
  });
});

test.for(["", "x", "ftp://127.0.0.1", "file:///x"])("no chain is asked at %j", async (rpc) => {
  expect(await judgeTarget(RECEIPT, { rpc })).toMatchObject(refusal("is no URL of http or https"));
});

test.for(["1969-12-31", "0000-01-01", "2026-02-31", "2026-01-01T00:00:00"])(
  "nothing is judged as of %s, which is no time that is meant",
  async (time) => {
    expect(await judgeTarget(QUOTE, { time })).toMatchObject(refusal("--time wants a time"));
  },
);
