/**
 * `npm run circuits:hashes -- [--write] [NAME…]`: compiles the circuits that coprocessor/circuits/hashes.json lists, makes their verification keys for
 * the development SRS, and compares both hashes with the file. Nothing compiled is committed: whoever builds a verifier sees here that it
 * is of these sources. `--write` renews the file where sources changed.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as z from "zod";
import { readModel } from "../coprocessor/models/read-model.ts";
import { circuitSourceHash, compileCircuit } from "../coprocessor/prover/circuit.ts";
import { compileNoir, sourceHashOf, type CircuitSource } from "../coprocessor/prover/compile-noir.ts";
import { modelCircuitSource } from "../coprocessor/prover/model-circuit.ts";
import { loadProvingKey } from "../coprocessor/prover/prove.ts";
import { makeDevelopmentSrs } from "../coprocessor/prover/srs.ts";
import type { Hex } from "../protocol/bytes.ts";
import { bytes32 } from "../protocol/fields.ts";

const FILE = join(import.meta.dirname, "../coprocessor/circuits/hashes.json");
const CACHE = join(import.meta.dirname, "../cache");
const MODELS = join(import.meta.dirname, "../tests/vectors/models");
/** As the tests read them. */
const TERMS = { featureBits: 12, range: 8 } as const;
const MEMORY_MB = 16_000;

const Hashes = z.strictObject({
  log2Gates: z.int(),
  /** Of sources, shape and versions of the tools. */
  source: bytes32,
  /** Of the verification key for the development SRS. */
  developmentKey: bytes32,
});
const Epochs = Hashes.extend({
  rule: z.enum(["Register", "Budget"]),
  rows: z.int().min(1),
  signatures: z.int().min(1),
});
/** Of a model of tests/vectors/models: a circuit is of its shape alone. */
const Scores = Hashes.extend({ model: z.string(), scores: z.int().min(1) });
const Listed = z.union([Epochs, Scores]);
type Listed = z.output<typeof Listed>;
const CircuitHashes = z.record(z.string(), Listed);
export type CircuitHashes = z.output<typeof CircuitHashes>;

export const readCircuitHashes = (): CircuitHashes =>
  CircuitHashes.parse(JSON.parse(readFileSync(FILE, "utf8")));

export function listedSourceHash(listed: Listed): Hex {
  return "rule" in listed ? circuitSourceHash(listed) : sourceHashOf(scoresSource(listed));
}

function scoresSource({ model, scores }: z.output<typeof Scores>): CircuitSource {
  return modelCircuitSource(readModel(readFileSync(join(MODELS, model)), TERMS), scores);
}

/** The hash of the verification key that is made here and now. */
async function developmentKeyHash(listed: Listed): Promise<Hex> {
  const srs = join(CACHE, `development-srs-${listed.log2Gates}`);
  if (!existsSync(join(srs, "bn254_g1.dat"))) makeDevelopmentSrs(srs, listed.log2Gates);
  const cache = join(CACHE, "circuits");
  const circuit =
    "rule" in listed
      ? await compileCircuit(listed, { cache })
      : await compileNoir(scoresSource(listed), cache);
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
    const found = { source: listedSourceHash(listed), developmentKey: await developmentKeyHash(listed) };
    const isSame = found.source === listed.source && found.developmentKey === listed.developmentKey;
    process.stdout.write(`${name}: ${isSame ? "as committed" : JSON.stringify(found)}\n`);
    if (!isSame) differing += 1;
    hashes[name] = { ...listed, ...found };
  }
  if (values.write) writeFileSync(FILE, `${JSON.stringify(hashes, null, 2)}\n`);
  else if (differing > 0) process.exitCode = 1;
}

if (import.meta.main) await main();
