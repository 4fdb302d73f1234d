/**
 * Circuits of coprocessor/circuits, compiled for one use. Nothing compiled is committed: a circuit is cached under the hash of everything
 * that it is made of.
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

/** As package.json pins them: another compiler makes another circuit. */
const VERSIONS = "noir 1.0.0-beta.26, barretenberg 5.0.0";

/** Proofs for verifiers in Solidity: whether they hide what is not a public input. */
export type Flavour = "evm" | "evm-no-zk";

export interface CircuitSource {
  /** Of its folder in the cache; the hash follows. */
  readonly name: string;
  /** The program. */
  readonly main: string;
  /** Folders of the libraries that it names; each may name the others as `../NAME`. */
  readonly libraries: Readonly<Record<string, string>>;
  readonly flavour: Flavour;
}

export interface Circuit {
  /** Of the sources and the versions of the tools. */
  readonly sourceHash: Hex;
  /** Where what is made of it lies. */
  readonly folder: string;
  /** The compiled program. */
  readonly program: string;
  readonly flavour: Flavour;
}

/** Of the sources and the versions of the tools: compared with coprocessor/circuits/hashes.json. */
export function sourceHashOf({ main, libraries, flavour }: CircuitSource): Hex {
  const hash = createHash("sha256").update(`${VERSIONS}\0${flavour}\0${main}\0`);
  for (const [name, library] of Object.entries(libraries).sort()) {
    for (const file of globSync("**/*.{nr,toml}", { cwd: library }).sort()) {
      hash
        .update(`${name}/${file}\0`)
        .update(readFileSync(join(library, file)))
        .update("\0");
    }
  }
  return toHex(new Uint8Array(hash.digest()));
}

/** @param cache a folder that outlives the process */
export async function compileNoir(source: CircuitSource, cache: string): Promise<Circuit> {
  const sourceHash = sourceHashOf(source);
  const folder = join(cache, `${source.name}-${sourceHash.slice(2, 18)}`);
  const program = join(folder, "program.json");
  if (!existsSync(program)) {
    const compiled = await compileProgram(source);
    createFolder(folder);
    // Renamed, so that a killed run leaves no half of a circuit.
    writeFileSync(`${program}.part`, compiled);
    renameSync(`${program}.part`, program);
  }
  return { sourceHash, folder, program, flavour: source.flavour };
}

/** In a folder of its own: the compiler reads files below one root. */
async function compileProgram({ main, libraries }: CircuitSource): Promise<string> {
  const { compile, createFileManager } = await import("@noir-lang/noir_wasm");
  const folder = mkdtempSync(join(tmpdir(), "adyton-circuit-"));
  try {
    const names = Object.keys(libraries);
    for (const name of names) cpSync(libraries[name] ?? "", join(folder, name), { recursive: true });
    createFolder(join(folder, "main/src"));
    writeFileSync(join(folder, "main/Nargo.toml"), manifest(names));
    writeFileSync(join(folder, "main/src/main.nr"), main);
    const quiet = (): void => undefined;
    const { program } = await compile(createFileManager(folder), join(folder, "main"), quiet, quiet);
    return JSON.stringify(program);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const manifest = (libraries: readonly string[]): string => `[package]
name = "main"
type = "bin"
authors = ["Adyton"]

[dependencies]
${libraries.map((name) => `adyton_${name} = { path = "../${name}" }\n`).join("")}`;
