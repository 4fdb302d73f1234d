/** `forge test`, in one line when it is green: `npm test` runs it. `node tools/test-contracts.ts --match-path …` as forge takes it. */

import { spawnSync } from "node:child_process";

const started = performance.now();
const { status, stdout, stderr, error } = spawnSync("forge", ["test", ...process.argv.slice(2)], {
  encoding: "utf8",
  maxBuffer: 64 * 1024 * 1024,
});
if (error !== undefined) throw error;
const seconds = Math.round((performance.now() - started) / 1000);
if (status === 0) {
  const summary = stdout.trimEnd().split("\n").at(-1) ?? "";
  process.stdout.write(`contracts: ${summary} in ${seconds} s\n`);
} else {
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = status ?? 1;
}
