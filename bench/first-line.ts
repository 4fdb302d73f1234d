/**
 * How long a newcomer waits, in a fresh clone of the last commit: `npm run -s bench:first-line -- [--json]`.
 *
 * `npm ci`, then `npm run demo` twice: cold, with contracts to compile, and warm. Milliseconds until the demo's first line (what npm
 * itself says is none), the longest that it is silent, and until it has ended. Takes four minutes; the registry has to be reachable.
 */

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });

const folder = mkdtempSync(join(tmpdir(), "adyton-first-line-"));
try {
  const clone = join(folder, "adyton");
  execFileSync("git", ["clone", "--quiet", resolve(import.meta.dirname, ".."), clone]);
  say("npm ci…");
  const began = performance.now();
  execFileSync("npm", ["ci", "--no-fund", "--no-audit"], {
    cwd: clone,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const installMs = Math.round(performance.now() - began);
  say("the demo, cold…");
  const cold = await watchDemo(clone);
  say("the demo, warm…");
  const warm = await watchDemo(clone);
  const result = { installMs, cold, warm };
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else console.table({ cold, warm });
} finally {
  rmSync(folder, { recursive: true, force: true });
}

interface Watched {
  readonly firstLineMs: number;
  readonly longestSilenceMs: number;
  readonly endMs: number;
}

async function watchDemo(cwd: string): Promise<Watched> {
  const began = performance.now();
  const demo = spawn("npm", ["run", "demo"], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const exited = once(demo, "exit");
  const at: number[] = [];
  const listen = async (stream: NodeJS.ReadableStream): Promise<void> => {
    for await (const line of createInterface({ input: stream }))
      if (!/^>|^\s*$/.test(line)) at.push(performance.now() - began);
  };
  await Promise.all([listen(demo.stdout), listen(demo.stderr)]);
  const [code] = (await exited) as [number | null];
  if (code !== 0) throw new Error(`the demo ended with ${code ?? "a signal"}`);
  const [first] = at;
  if (first === undefined) throw new Error("the demo said nothing");
  const silences = at.slice(1).map((ms, index) => ms - (at[index] ?? 0));
  return {
    firstLineMs: Math.round(first),
    longestSilenceMs: Math.round(Math.max(0, ...silences)),
    endMs: Math.round(performance.now() - began),
  };
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
