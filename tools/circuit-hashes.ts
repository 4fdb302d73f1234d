/**
 * `npm run circuits:hashes -- [--write] [NAME…]`: compiles the circuits that coprocessor/circuits/hashes.json lists, makes their verification keys for
 * the development SRS, and compares both hashes with the file. Nothing compiled is committed: whoever builds a verifier sees here that it
 * is of these sources. `--write` renews the file where sources changed.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as z from "zod";
import { circuitSourceHash, compileCircuit, type CircuitShape } from "../coprocessor/prover/circuit.ts";
import { loadProvingKey } from "../coprocessor/prover/prove.ts";
import { makeDevelopmentSrs } from "../coprocessor/prover/srs.ts";
import { bytes32 } from "../protocol/fields.ts";

const FILE = join(import.meta.dirname, "../coprocessor/circuits/hashes.json");
const CACHE = join(import.meta.dirname, "../cache");
const MEMORY_MB = 16_000;

const CircuitHashes = z.record(
  z.string(),
  z.strictObject({
    rule: z.enum(["Register", "Budget"]),
    rows: z.int().min(1),
    signatures: z.int().min(1),
    log2Gates: z.int(),
    /** Of sources, shape and versions of the tools. */
    source: bytes32,
    /** Of the verification key for the development SRS. */
    developmentKey: bytes32,
  }),
);
export type CircuitHashes = z.output<typeof CircuitHashes>;

export const readCircuitHashes = (): CircuitHashes =>
  CircuitHashes.parse(JSON.parse(readFileSync(FILE, "utf8")));

/** The hash of the verification key that is made here and now. */
export async function developmentKeyHash(
  shape: CircuitShape & { log2Gates: number },
): Promise<`0x${string}`> {
  const srs = join(CACHE, `development-srs-${shape.log2Gates}`);
  if (!existsSync(join(srs, "bn254_g1.dat"))) makeDevelopmentSrs(srs, shape.log2Gates);
  const circuit = await compileCircuit(shape, { cache: join(CACHE, "circuits") });
  return (await loadProvingKey(circuit, { srs, memoryMb: MEMORY_MB, threads: 2 })).hash;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { write: { type: "boolean", default: false } },
    allowPositionals: true,
  });
  const hashes = readCircuitHashes();
  let differing = 0;
  for (const [name, listed] of Object.entries(hashes)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    const found = { source: circuitSourceHash(listed), developmentKey: await developmentKeyHash(listed) };
    const isSame = found.source === listed.source && found.developmentKey === listed.developmentKey;
    process.stdout.write(`${name}: ${isSame ? "as committed" : JSON.stringify(found)}\n`);
    if (!isSame) differing += 1;
    hashes[name] = { ...listed, ...found };
  }
  if (values.write) writeFileSync(FILE, `${JSON.stringify(hashes, null, 2)}\n`);
  else if (differing > 0) process.exitCode = 1;
}

if (import.meta.main) await main();
