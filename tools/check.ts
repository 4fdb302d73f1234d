/**
 * `npm run check`: the checks of types, lint, format, boundaries and what nobody uses, as many at once as there are cores.
 * One line for each that passes, with its duration; all of its output for one that does not.
 */

import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";

/** Scripts of package.json, the longest first. */
const CHECKS = ["check:lint", "check:types", "check:format", "check:boundaries", "check:unused"];

async function runScript(script: string): Promise<boolean> {
  const started = performance.now();
  const child = spawn("npm", ["run", "-s", script], { stdio: ["ignore", "pipe", "pipe"] });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part: Buffer) => output.push(part));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const seconds = Math.round((performance.now() - started) / 1_000);
  process.stdout.write(`${script}: ${code === 0 ? "passed" : "FAILED"} in ${seconds} s\n`);
  if (code !== 0) process.stdout.write(Buffer.concat(output));
  return code === 0;
}

const waiting = [...CHECKS];
const results: boolean[] = [];
async function work(): Promise<void> {
  for (let script = waiting.shift(); script !== undefined; script = waiting.shift())
    results.push(await runScript(script));
}
await Promise.all(Array.from({ length: availableParallelism() }, work));
if (results.includes(false)) process.exitCode = 1;
