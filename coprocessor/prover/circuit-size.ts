/** How large a circuit is, and whether a reference string is as long as it needs: asked before Barretenberg begins, which says neither. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { ProverError } from "../../protocol/errors.ts";
import { runBarretenberg, type BarretenbergOptions } from "./barretenberg.ts";
import type { Circuit } from "./compile-noir.ts";
import type { Srs } from "./srs.ts";

/** Rows that Barretenberg adds to a circuit's gates: one of zeros in front, and what hides the others at the end. */
const ADDED_ROWS = 8;
const Counted = z.object({ functions: z.tuple([z.object({ circuit_size: z.int() })]) });

/** Gates; counted once for each circuit. */
export async function countGates(circuit: Circuit, options: BarretenbergOptions): Promise<number> {
  const path = join(circuit.folder, "gates");
  if (!existsSync(path)) {
    const args = ["gates", "-t", circuit.flavour, "-b", circuit.program];
    const { output } = await runBarretenberg(args, options);
    const { functions } = Counted.parse(JSON.parse(output));
    writeFileSync(path, String(functions[0].circuit_size));
  }
  return Number(readFileSync(path, "utf8"));
}

/** The power of two that a circuit's columns fill. */
export const log2GatesOf = (gates: number): number => Math.ceil(Math.log2(gates + ADDED_ROWS));

/** @throws {ProverError} PROVER_SRS_TOO_SMALL */
export function checkSrsLength({ points, kind }: Srs, gates: number): void {
  const log2 = log2GatesOf(gates);
  const needed = 2 ** log2 + 1;
  if (points >= needed) return;
  const more =
    kind === "development"
      ? `make one with \`adyton srs make-dev FOLDER --gates ${log2}\``
      : "take more of the ceremony's";
  throw new ProverError({
    code: "PROVER_SRS_TOO_SMALL",
    message: `the reference string has ${points} points, and this circuit of ${gates} gates needs ${needed}: ${more}`,
    details: { points, gates, needed },
  });
}
