/**
 * `npm run circuits:mutate`: removes each constraint of the circuit in turn, compiles what is left, and expects an attack of
 * tests/epochs/circuit-attacks.ts to have a witness then. A constraint that nothing attacks is either not needed or not tested.
 */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileCircuit } from "../coprocessor/prover/circuit.ts";
import { solveWitness } from "../coprocessor/prover/prove-epoch.ts";
import { ATTACKED, ATTACKS } from "../tests/epochs/circuit-attacks.ts";

const LIBRARY = join(import.meta.dirname, "../coprocessor/circuits/ledger");
const FILES = ["epoch.nr", "rule.nr", "transition.nr"];
/** Whole statements: `assert(…);` and `x.assert_max_bit_size::<…>();`. */
const CONSTRAINT = /^[ ]+(?:assert\([\s\S]*?\);|[^\n/]*\.assert_max_bit_size::<\d+>\(\);)$/gm;

/**
 * Constraints that no attack needs, with the reason why they stay. The solver's scalar multiplication refuses wide limbs before a proof
 * is made, and Barretenberg's ranges them by its lookups; neither is documented, and what a circuit relies on is written in it.
 */
const KEPT: ReadonlySet<string> = new Set([
  "signature.s[0].assert_max_bit_size::<128>();",
  "signature.s[1].assert_max_bit_size::<128>();",
]);

interface Mutant {
  readonly file: string;
  readonly line: number;
  readonly constraint: string;
  readonly source: string;
}

function mutants(): readonly Mutant[] {
  return FILES.flatMap((file) => {
    const source = readFileSync(join(LIBRARY, "src", file), "utf8");
    return [...source.matchAll(CONSTRAINT)].map(({ index, 0: found }) => ({
      file,
      line: source.slice(0, index).split("\n").length,
      constraint: found.trim().replaceAll(/\s+/g, " "),
      source: source.slice(0, index) + source.slice(index + found.length),
    }));
  });
}

/** Attacks that have a witness where `mutant` stands for the circuit. */
async function succeed({ file, source }: Mutant): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), "adyton-mutant-"));
  try {
    cpSync(LIBRARY, join(folder, "ledger"), { recursive: true });
    writeFileSync(join(folder, "ledger/src", file), source);
    const circuit = await compileCircuit(ATTACKED, {
      cache: join(folder, "cache"),
      library: join(folder, "ledger"),
    });
    const names: string[] = [];
    for (const [name, attack] of Object.entries(ATTACKS)) {
      const isRefused = await solveWitness(circuit, attack()).then(
        () => false,
        () => true,
      );
      if (!isRefused) names.push(name);
    }
    return names;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const wanted = process.argv[2];
let survivors = 0;
for (const mutant of mutants()) {
  const at = `${mutant.file}:${mutant.line}`;
  if (wanted !== undefined && at !== wanted) continue;
  const attacks = await succeed(mutant);
  const isKept = attacks.length === 0 && KEPT.has(mutant.constraint);
  if (attacks.length === 0 && !isKept) survivors += 1;
  const said = isKept
    ? "kept: refused elsewhere too"
    : attacks.length === 0
      ? "SURVIVES"
      : `lets in: ${attacks.join("; ")}`;
  process.stdout.write(`${at}  ${mutant.constraint}\n    ${said}\n`);
}
process.stdout.write(
  survivors === 0 ? "every constraint is needed, or kept for a reason\n" : `${survivors} survive\n`,
);
process.exitCode = survivors === 0 ? 0 : 1;
