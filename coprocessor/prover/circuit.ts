/**
 * The circuits of proven epochs, compiled from coprocessor/circuits for one rule, one number of rows and one of signatures. Nothing
 * compiled is committed: a circuit is cached under the hash of everything that it is made of.
 */

import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import type { RuleName } from "../epochs/rule.ts";

const LIBRARY = join(import.meta.dirname, "../circuits/ledger");
/** As package.json pins them: another compiler makes another circuit. */
const VERSIONS = "noir 1.0.0-beta.26, barretenberg 5.0.0";

export interface CircuitShape {
  readonly rule: RuleName;
  readonly rows: number;
  readonly signatures: number;
}

export interface Circuit extends CircuitShape {
  /** Of the sources, the shape and the versions of the tools. */
  readonly sourceHash: Hex;
  /** Where what is made of it lies. */
  readonly folder: string;
  /** The compiled program. */
  readonly program: string;
}

/** Of the sources, the shape and the versions of the tools: compared with coprocessor/circuits/hashes.json. */
export function circuitSourceHash(shape: CircuitShape, library = LIBRARY): Hex {
  return hashSources(library, mainOf(shape));
}

/** @param cache a folder that outlives the process */
export async function compileCircuit(
  shape: CircuitShape,
  { cache, library = LIBRARY }: { readonly cache: string; readonly library?: string },
): Promise<Circuit> {
  const sourceHash = circuitSourceHash(shape, library);
  const name = `${shape.rule.toLowerCase()}-${shape.rows}-${shape.signatures}-${sourceHash.slice(2, 18)}`;
  const folder = join(cache, name);
  const program = join(folder, "program.json");
  if (!existsSync(program)) {
    const compiled = await compileProgram(library, mainOf(shape));
    createFolder(folder);
    // Renamed, so that a killed run leaves no half of a circuit.
    writeFileSync(`${program}.part`, compiled);
    renameSync(`${program}.part`, program);
  }
  return { ...shape, sourceHash, folder, program };
}

function mainOf({ rule, rows, signatures }: CircuitShape): string {
  return `use adyton_ledger::epoch::{ROW_FIELDS, settle, SIGNER_FIELDS, SIGNERS, Statement, Witness};
use adyton_ledger::rule::${rule};

fn main(
    statement: pub Statement,
    rows: [[Field; ROW_FIELDS]; ${rows}],
    signers: [[Field; SIGNER_FIELDS]; SIGNERS],
    witnesses: [Witness<${signatures}>; ${rows}],
) {
    settle::<${rule}, ${rows}, ${signatures}>(statement, rows, signers, witnesses);
}
`;
}

const MANIFEST = `[package]
name = "epoch"
type = "bin"
authors = ["Adyton"]

[dependencies]
adyton_ledger = { path = "../ledger" }
`;

function hashSources(library: string, main: string): Hex {
  const hash = createHash("sha256").update(`${VERSIONS}\0${main}\0`);
  for (const file of globSync("**/*.{nr,toml}", { cwd: library }).sort()) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(library, file)))
      .update("\0");
  }
  return toHex(new Uint8Array(hash.digest()));
}

/** In a folder of its own: the compiler reads files below one root. */
async function compileProgram(library: string, main: string): Promise<string> {
  const { compile, createFileManager } = await import("@noir-lang/noir_wasm");
  const folder = mkdtempSync(join(tmpdir(), "adyton-circuit-"));
  try {
    cpSync(library, join(folder, "ledger"), { recursive: true });
    createFolder(join(folder, "epoch/src"));
    writeFileSync(join(folder, "epoch/Nargo.toml"), MANIFEST);
    writeFileSync(join(folder, "epoch/src/main.nr"), main);
    const quiet = (): void => undefined;
    const { program } = await compile(createFileManager(folder), join(folder, "epoch"), quiet, quiet);
    return JSON.stringify(program);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
