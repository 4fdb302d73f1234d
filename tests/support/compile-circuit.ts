/** Compiles a circuit of the tests beside the ledger's library, in a folder of its own: the compiler reads files below one root. */

import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Noir } from "@noir-lang/noir_js";
import { compile, createFileManager } from "@noir-lang/noir_wasm";

const ROOT = join(import.meta.dirname, "../..");

export async function compileCircuit(name: string): Promise<Noir> {
  const folder = mkdtempSync(join(tmpdir(), "adyton-circuit-"));
  try {
    cpSync(join(ROOT, "coprocessor/circuits/ledger"), join(folder, "ledger"), { recursive: true });
    cpSync(join(ROOT, "tests/coprocessor/circuits", name), join(folder, name), { recursive: true });
    const quiet = (): void => undefined;
    const { program } = await compile(createFileManager(folder), join(folder, name), quiet, quiet);
    return new Noir(program);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
