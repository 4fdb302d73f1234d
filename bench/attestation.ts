/**
 * Quotes verified per second on one core, beside another implementation on the same quotes in the same run:
 * `npm run -s bench:attestation -- --json`.
 *
 * Everything is minted by the tests' own vendors. Cold: endorsements are read and checked anew for each quote. Warm: they
 * were read once, and each quote has a leaf certificate and keys that were never seen before. Rounds alternate between
 * the contenders, so that a busy machine disturbs them alike; figures are medians of the rounds.
 */

import { spawnSync } from "node:child_process";
import { writeJsonOrTable } from "./attestation/report.ts";
import { measureAll, type Subject } from "./attestation/measure.ts";
import { intelSubject } from "./attestation/intel-subject.ts";
import { nitroSubject } from "./attestation/nitro-subject.ts";
import { snpSubject } from "./attestation/snp-subject.ts";

const PINNED = "--pinned";

/** Starts this file again on one core, so that WebCrypto's threads share it with everything else. */
function runOnOneCore(): number | null {
  const options = [import.meta.filename, PINNED, ...process.argv.slice(2)];
  const { status, error } = spawnSync("taskset", ["-c", "0", process.execPath, ...options], {
    stdio: "inherit",
  });
  return error === undefined ? status : null;
}

async function run(): Promise<void> {
  process.stderr.write("minting quotes…\n");
  const subjects: Readonly<Record<string, Subject>> = {
    tdxV4: await intelSubject("tdx"),
    sgxV3: await intelSubject("sgx"),
    snp: await snpSubject(),
    nitro: await nitroSubject(),
  };
  const figures = await measureAll(subjects);
  writeJsonOrTable(figures, process.argv.includes("--json"));
}

if (process.argv.includes(PINNED)) {
  await run();
} else {
  const status = runOnOneCore();
  if (status === null) {
    process.stderr.write("no taskset here: WebCrypto's threads may use further cores\n");
    await run();
  } else {
    process.exitCode = status;
  }
}
