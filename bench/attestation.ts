/**
 * Quotes verified per second on one core, beside another implementation on the same quotes in the same run:
 * `npm run -s bench:attestation -- --json`.
 *
 * Everything is minted by the tests' own vendors. Cold: endorsements are read and checked anew for each quote. Warm: they
 * were read once, and each quote has a leaf certificate and keys that were never seen before. Rounds alternate between
 * the contenders, so that a busy machine disturbs them alike; figures are medians of the rounds. `many`: a batch on every core
 * beside the same batch on one thread of one core.
 */

import { spawnSync } from "node:child_process";
import { writeJsonOrTable } from "./attestation/report.ts";
import { measureMany } from "./attestation/many.ts";
import { measureAll, type Subject } from "./attestation/measure.ts";
import { intelSubject } from "./attestation/intel-subject.ts";
import { nitroSubject } from "./attestation/nitro-subject.ts";
import { snpSubject } from "./attestation/snp-subject.ts";

const PINNED = "--pinned";

/** Starts this file again on one core, so that WebCrypto's threads share it with everything else. */
function runOnOneCore(manyPerSecond: number): number | null {
  const options = [import.meta.filename, PINNED, String(manyPerSecond), ...process.argv.slice(2)];
  const { status, error } = spawnSync("taskset", ["-c", "0", process.execPath, ...options], {
    stdio: "inherit",
  });
  return error === undefined ? status : null;
}

async function run(manyPerSecond: number): Promise<void> {
  process.stderr.write("minting quotes…\n");
  const subjects: Readonly<Record<string, Subject>> = {
    tdxV4: await intelSubject("tdx"),
    sgxV3: await intelSubject("sgx"),
    snp: await snpSubject(),
    nitro: await nitroSubject(),
  };
  const figures = await measureAll(subjects);
  const many = { perSecond: manyPerSecond, alonePerSecond: await measureMany(0) };
  writeJsonOrTable(figures, { many, json: process.argv.includes("--json") });
}

const pinned = process.argv.indexOf(PINNED);
if (pinned !== -1) {
  await run(Number(process.argv[pinned + 1]));
} else {
  process.stderr.write("a batch on every core…\n");
  const manyPerSecond = await measureMany();
  const status = runOnOneCore(manyPerSecond);
  if (status === null) {
    process.stderr.write("no taskset here: WebCrypto's threads may use further cores\n");
    await run(manyPerSecond);
  } else {
    process.exitCode = status;
  }
}
