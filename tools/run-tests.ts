/**
 * `vitest run` with the arguments that it is given. With `--again`, as `.ci/run` has it, a few files that failed beside all
 * others are run once more, alone, and named: a shared machine stands still for minutes, and what passes alone afterwards
 * failed for want of it. A file that fails twice fails.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** More than this many failed files are no accident. */
const FILES_AGAIN = 5;

const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
const given = process.argv.slice(2).filter((argument) => argument !== "--again");
const at = given.indexOf("--config");
const configured = at === -1 ? [] : given.slice(at, at + 2);

function run(parameters: readonly string[]): number {
  const { status, error } = spawnSync(process.execPath, [vitest, "run", ...parameters], { stdio: "inherit" });
  if (error !== undefined) throw error;
  return status ?? 1;
}

/** Runs everything, and the failed files again if there are few: the exit code. */
function runTwice(folder: string): number {
  const report = join(folder, "report.json");
  const reporters = ["minimal", "./tests/support/skipped-reporter.ts", "json"].flatMap((name) => [
    "--reporter",
    name,
  ]);
  const status = run([...given, ...reporters, `--outputFile.json=${report}`]);
  if (status === 0) return status;
  const failed = failedFiles(report);
  if (failed.length === 0 || failed.length > FILES_AGAIN) return status;
  process.stdout.write(
    `\nAGAIN, alone, since they failed beside the others:\n${failed.map((file) => `  ${file}\n`).join("")}\n`,
  );
  const again = run([...configured, "--no-file-parallelism", ...failed]);
  if (again === 0) process.stdout.write(`\nPASSED ONLY WHEN RUN AGAIN: ${failed.join(", ")}\n\n`);
  return again;
}

function failedFiles(report: string): string[] {
  try {
    const { testResults } = JSON.parse(readFileSync(report, "utf8")) as {
      testResults: readonly { name: string; status: string }[];
    };
    return testResults
      .filter(({ status }) => status === "failed")
      .map(({ name }) => relative(process.cwd(), name));
  } catch {
    // Vitest itself did not get to its end: it has said why.
    return [];
  }
}

if (!process.argv.includes("--again")) {
  process.exitCode = run(given);
} else {
  const folder = mkdtempSync(join(tmpdir(), "adyton-tests-"));
  try {
    process.exitCode = runTwice(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
