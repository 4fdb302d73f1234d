/**
 * `npm run circuits:mutate [FILE:LINE]`: removes each constraint of the circuit in turn, compiles what is left, and expects an attack of
 * tests/epochs/circuit-attacks.ts or hint-attacks.ts to have a witness then. A constraint that nothing attacks is either not needed or not
 * tested. Constraints that the language writes, of bits and limbs that have one spelling, are removed by writing them by hand without.
 */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileCircuit } from "../coprocessor/prover/circuit.ts";
import { solveWitness } from "../coprocessor/prover/prove.ts";
import { ATTACKED, ATTACKS } from "../tests/epochs/circuit-attacks.ts";
import { acceptsHints, HINT_ATTACKS } from "../tests/epochs/hint-attacks.ts";

const LIBRARY = join(import.meta.dirname, "../coprocessor/circuits/ledger");
const FILES = ["epoch.nr", "lib.nr", "rule.nr", "transition.nr"];
/** Whole statements: `assert(…);` and `x.assert_max_bit_size::<…>();`. */
const CONSTRAINT = /^[ ]+(?:assert\([\s\S]*?\);|[^\n/]*\.assert_max_bit_size::<\d+>\(\);)$/gm;

/** Statements that the language makes constraints of, and the same without the one that says which spelling. */
const REWRITTEN = [
  {
    file: "lib.nr",
    from: "std::field::bn254::decompose(hash([TAG_SLOT, key[0], key[1]]))",
    to: "hinted_limbs(hash([TAG_SLOT, key[0], key[1]]))",
    more: `unconstrained fn canonical_limbs(value: Field) -> (Field, Field) {
    std::field::bn254::decompose(value)
}

fn hinted_limbs(value: Field) -> (Field, Field) {
    let (low, high) = unsafe { canonical_limbs(value) };
    low.assert_max_bit_size::<128>();
    high.assert_max_bit_size::<128>();
    assert(low + high * 0x100000000000000000000000000000000 == value);
    (low, high)
}
`,
  },
  {
    file: "transition.nr",
    from: "EmbeddedCurveScalar::from_field(signature.e)",
    to: "hinted_scalar(signature.e)",
    more: `unconstrained fn hinted_limbs(value: Field) -> (Field, Field) {
    let scalar = EmbeddedCurveScalar::from_field(value);
    (scalar.lo, scalar.hi)
}

fn hinted_scalar(value: Field) -> EmbeddedCurveScalar {
    let (lo, hi) = unsafe { hinted_limbs(value) };
    lo.assert_max_bit_size::<128>();
    hi.assert_max_bit_size::<128>();
    assert(lo + hi * 0x100000000000000000000000000000000 == value);
    EmbeddedCurveScalar { lo, hi }
}
`,
  },
] as const;

interface Mutant {
  readonly file: string;
  readonly line: number;
  readonly constraint: string;
  readonly source: string;
}

function readSource(file: string): string {
  return readFileSync(join(LIBRARY, "src", file), "utf8");
}

const lineAt = (source: string, index: number): number => source.slice(0, index).split("\n").length;

function mutants(): readonly Mutant[] {
  const removed = FILES.flatMap((file) => {
    const source = readSource(file);
    return [...source.matchAll(CONSTRAINT)].map(({ index, 0: found }) => ({
      file,
      line: lineAt(source, index),
      constraint: found.trim().replaceAll(/\s+/g, " "),
      source: source.slice(0, index) + source.slice(index + found.length),
    }));
  });
  const rewritten = REWRITTEN.map(({ file, from, to, more }) => {
    const source = readSource(file);
    const index = source.indexOf(from);
    if (index < 0) throw new Error(`${file} has no ${from}`);
    return {
      file,
      line: lineAt(source, index),
      constraint: from,
      source: `${source.replace(from, to)}\n${more}`,
    };
  });
  return [...removed, ...rewritten];
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
    for (const [name, attack] of Object.entries(HINT_ATTACKS))
      if (await acceptsHints(circuit, attack())) names.push(name);
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
  if (attacks.length === 0) survivors += 1;
  const said = attacks.length === 0 ? "SURVIVES" : `lets in: ${attacks.join("; ")}`;
  process.stdout.write(`${at}  ${mutant.constraint}\n    ${said}\n`);
}
process.stdout.write(survivors === 0 ? "every constraint is needed\n" : `${survivors} survive\n`);
process.exitCode = survivors === 0 ? 0 : 1;
