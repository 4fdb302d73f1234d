/** `npm run fuzz`: mutated evidence of every kind; the figures, and exit status 1 where an input was a finding. */

import { parseArgs } from "node:util";
import { fuzz } from "../tests/fuzz/fuzz.ts";
import { TARGETS } from "../tests/fuzz/targets.ts";

const { values } = parseArgs({
  options: {
    /** Mutated inputs for each kind. */
    runs: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
    /** A kind, or a family of them: `model-streams` is every `model-streams/…`. */
    kind: { type: "string", multiple: true },
    json: { type: "boolean", default: false },
  },
});

const isChosen = (kind: string): boolean =>
  values.kind?.some((name) => kind === name || kind.startsWith(`${name}/`)) ?? true;
const chosen = TARGETS.filter(({ kind }) => isChosen(kind));
if (chosen.length === 0) {
  console.error(`no such kind; there are ${TARGETS.map(({ kind }) => kind).join(", ")}`);
  process.exit(64);
}

let findings = 0;
for (const target of chosen) {
  const figures = await fuzz(target, { seed: Number(values.seed), runs: Number(values.runs) });
  findings += figures.findings.length;
  if (values.json) {
    console.log(JSON.stringify(figures));
    continue;
  }
  const { kind, runs, seed, inputsPerSecond, slowestMilliseconds, outcomes } = figures;
  const counts = Object.entries(outcomes).sort(([, a], [, b]) => b - a);
  console.log(
    `${kind}: ${runs} inputs (seed ${seed}), ${inputsPerSecond}/s, slowest ${slowestMilliseconds} ms`,
  );
  console.log(`  ${counts.map(([outcome, count]) => `${outcome} ${count}`).join(", ")}`);
  for (const { input, what } of figures.findings) console.log(`  FINDING ${what}\n    ${input}`);
}
process.exitCode = findings === 0 ? 0 : 1;
