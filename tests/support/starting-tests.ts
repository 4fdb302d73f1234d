/** Which tests start something: a process, a chain, an enclave, a store. Said by what they import, so that a new one is known by itself. */

import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
/** Where what tests start with is written; beyond, a module that could start something is only being tested. */
const FOLLOWED = /^(?:tests|devnet)\//u;
const STARTERS = new Set([
  "node:child_process",
  "playwright-core",
  "devnet/child-process.ts",
  "tests/oracle/support/stores.ts",
]);
/** `import … from "…"`, with the types left out. */
const IMPORT = /^(?:import|export) (?!type )(?:[^;"]*? from )?"([^"]+)";/gmu;

export function startingTests(): readonly string[] {
  const known = new Map<string, boolean>();
  const starts = (file: string): boolean => {
    const before = known.get(file);
    if (before !== undefined) return before;
    // Also what a circle of imports finds.
    known.set(file, false);
    const answer = importsOf(file).some(
      (name) => STARTERS.has(name) || (FOLLOWED.test(name) && starts(name)),
    );
    known.set(file, answer);
    return answer;
  };
  return globSync("tests/**/*.test.{ts,tsx}", { cwd: ROOT }).filter(starts);
}

function importsOf(file: string): readonly string[] {
  const path = join(ROOT, file);
  if (!existsSync(path)) return [];
  return [...readFileSync(path, "utf8").matchAll(IMPORT)].map(([, name = ""]) =>
    name.startsWith(".") ? relative(ROOT, join(dirname(path), name)) : name,
  );
}
