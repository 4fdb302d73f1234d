/** What circuits are made of is committed by its hash: a change of any source, however small, is seen in coprocessor/circuits/hashes.json. */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { circuitSourceHash } from "../../../coprocessor/prover/circuit.ts";
import { listedSourceHash, readCircuitHashes } from "../../../tools/circuit-hashes.ts";

const LIBRARY = join(import.meta.dirname, "../../../coprocessor/circuits/ledger");

test.for(Object.entries(readCircuitHashes()))(
  "%s has the sources that are committed by hash",
  ([, listed]) => {
    expect(listedSourceHash(listed), "npm run circuits:hashes -- --write").toBe(listed.source);
  },
);

test("another shape, and another source, have another hash", () => {
  const shape = { rule: "Register", rows: 14, signatures: 1 } as const;
  const folder = mkdtempSync(join(tmpdir(), "adyton-hash-"));
  try {
    cpSync(LIBRARY, folder, { recursive: true });
    const hash = circuitSourceHash(shape, folder);
    expect(hash).toBe(circuitSourceHash(shape));
    expect(circuitSourceHash({ ...shape, rows: 15 }, folder)).not.toBe(hash);
    expect(circuitSourceHash({ ...shape, rule: "Budget" }, folder)).not.toBe(hash);
    expect(circuitSourceHash({ ...shape, signatures: 2 }, folder)).not.toBe(hash);
    const file = join(folder, "src/transition.nr");
    writeFileSync(file, `${readFileSync(file, "utf8")}\n`);
    expect(circuitSourceHash(shape, folder)).not.toBe(hash);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
