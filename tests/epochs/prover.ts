/** Where what the prover makes is kept between runs, and how it runs here. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { compileCircuit, type CircuitShape } from "../../coprocessor/prover/circuit.ts";
import { loadProvingKey, type ProverOptions, type ProvingKey } from "../../coprocessor/prover/prove.ts";
import { makeDevelopmentSrs } from "../../coprocessor/prover/srs.ts";

const CACHE = join(import.meta.dirname, "../../cache");
export const CIRCUITS = join(CACHE, "circuits");

/** @param log2Gates of the circuit: 15 for 2 rows, 17 for 16, 20 for 131, 21 for 263 */
export function proverOptions(log2Gates: number): ProverOptions {
  const srs = join(CACHE, `development-srs-${log2Gates}`);
  if (!existsSync(join(srs, "bn254_g1.dat"))) makeDevelopmentSrs(srs, log2Gates);
  return { srs, memoryMb: 12_000, threads: 2 };
}

export async function provingKey(shape: CircuitShape, options: ProverOptions): Promise<ProvingKey> {
  return await loadProvingKey(await compileCircuit(shape, { cache: CIRCUITS }), options);
}
