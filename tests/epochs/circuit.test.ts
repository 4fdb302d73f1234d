import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import type { CircuitInput } from "../../coprocessor/epochs/build-epoch.ts";
import { compileCircuit } from "../../coprocessor/prover/circuit.ts";
import type { Circuit } from "../../coprocessor/prover/compile-noir.ts";
import { solveWitness } from "../../coprocessor/prover/prove.ts";
import { ATTACKED, ATTACKS, HONEST } from "./circuit-attacks.ts";
import { acceptsHints, HINT_ATTACKS, HONEST_HINTS } from "./hint-attacks.ts";
import { CIRCUITS } from "./prover.ts";
import { MUTATIONS, Random } from "./witness-mutations.ts";

const VECTOR = new URL("../vectors/coprocessor/proven-epoch.json", import.meta.url);
/** Of each class. `npm run circuits:fuzz` tries 10,000. */
const MUTATED = 5;
const Vector = z.object({ circuitInput: z.record(z.string(), z.unknown()) });

describe("the circuit of an epoch", () => {
  let circuit: Circuit;
  beforeAll(async () => {
    circuit = await compileCircuit(ATTACKED, { cache: CIRCUITS });
  });

  test("accepts the epoch of the vectors, whose challenge the contract computes", async () => {
    const { circuitInput } = Vector.parse(JSON.parse(readFileSync(VECTOR, "utf8")));
    const shape = { rule: "Register", rows: 3, signatures: 1 } as const;
    const other = await compileCircuit(shape, { cache: CIRCUITS });
    await expect(solveWitness(other, circuitInput as CircuitInput)).resolves.toBeInstanceOf(Uint8Array);
  });

  test.for(Object.entries(HONEST))("has a witness for %s", async ([, input]) => {
    await expect(solveWitness(circuit, input())).resolves.toBeInstanceOf(Uint8Array);
  });

  test.for(Object.entries(ATTACKS))("has no witness for %s", async ([, input]) => {
    await expect(solveWitness(circuit, input())).rejects.toMatchObject({ code: "PROVER_FAILED" });
  });

  test.for(Object.entries(HONEST_HINTS))("holds where the prover chooses %s", async ([, attack]) => {
    expect(await acceptsHints(circuit, attack())).toBe(true);
  });

  test.for(Object.entries(HINT_ATTACKS))("does not hold where the prover chooses %s", async ([, attack]) => {
    expect(await acceptsHints(circuit, attack())).toBe(false);
  });

  test.for(Object.entries(MUTATIONS))("has no witness with another %s", async ([name, mutate]) => {
    for (let index = 0; index < MUTATED; index += 1) {
      const input = mutate(new Random(`circuits ${name} ${index}`));
      await expect(solveWitness(circuit, input)).rejects.toMatchObject({ code: "PROVER_FAILED" });
    }
  });
});
