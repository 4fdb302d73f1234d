import { globSync, readFileSync } from "node:fs";

const ORACLE = new URL("../../oracle/", import.meta.url).pathname;

/** What the oracle says in its log when it has just done this and not yet the next, read from its source: `step.NAME`. */
export function readSteps(): string[] {
  const found = globSync("**/*.ts", { cwd: ORACLE }).flatMap((file) =>
    Array.from(readFileSync(ORACLE + file, "utf8").matchAll(/"step\.([a-z-]+)"/g), ([, step = ""]) => step),
  );
  return [...new Set(found)].sort();
}
