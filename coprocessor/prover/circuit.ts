/** The circuits of proven epochs, for one rule, one number of rows and one of signatures. */

import { join } from "node:path";
import type { Hex } from "../../protocol/bytes.ts";
import type { RuleName } from "../epochs/rule.ts";
import { compileNoir, sourceHashOf, type Circuit, type CircuitSource } from "./compile-noir.ts";

const LIBRARY = join(import.meta.dirname, "../circuits/ledger");

export interface CircuitShape {
  readonly rule: RuleName;
  readonly rows: number;
  readonly signatures: number;
}

/** Of the sources, the shape and the versions of the tools: compared with coprocessor/circuits/hashes.json. */
export function circuitSourceHash(shape: CircuitShape, library = LIBRARY): Hex {
  return sourceHashOf(sourceOf(shape, library));
}

/** @param cache a folder that outlives the process */
export async function compileCircuit(
  shape: CircuitShape,
  { cache, library = LIBRARY }: { readonly cache: string; readonly library?: string },
): Promise<Circuit> {
  return await compileNoir(sourceOf(shape, library), cache);
}

function sourceOf(shape: CircuitShape, library: string): CircuitSource {
  const { rule, rows, signatures } = shape;
  return {
    name: `${rule.toLowerCase()}-${rows}-${signatures}`,
    main: mainOf(shape),
    libraries: { ledger: library },
    // Nothing is hidden: every row is in calldata.
    flavour: "evm-no-zk",
  };
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
