/**
 * `npm run circuits:fuzz -- [--count 10000] [--from 0] [--seed TEXT] [--class NAME]`: mutated witnesses of each class of constraints
 * (tests/epochs/witness-mutations.ts), none of which may satisfy the circuit. The solver decides, without a proof. A mutation follows from
 * its number and the seed: ranges (`--from 2000 --count 1000`) run apart, and make up the whole.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compileCircuit } from "../coprocessor/prover/circuit.ts";
import type { CircuitInput } from "../coprocessor/epochs/build-epoch.ts";
import { ATTACKED, HONEST } from "../tests/epochs/circuit-attacks.ts";
import { MUTATIONS, Random } from "../tests/epochs/witness-mutations.ts";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "10000" },
    from: { type: "string", default: "0" },
    seed: { type: "string", default: "circuits" },
    class: { type: "string" },
  },
});
const count = Number(values.count);
const from = Number(values.from);
if (!Number.isInteger(count) || !Number.isInteger(from) || count < 1 || from < 0)
  throw new Error("--count wants a whole number above 0, and --from one from 0 on");

const circuit = await compileCircuit(ATTACKED, { cache: join(import.meta.dirname, "../cache/circuits") });
const { Noir } = await import("@noir-lang/noir_js");
const noir = new Noir(
  JSON.parse(readFileSync(circuit.program, "utf8")) as ConstructorParameters<typeof Noir>[0],
);
/** null for a witness that satisfies the circuit; else the assertion that it breaks. Any other error is a fault of the mutation. */
async function refusalOf(input: CircuitInput): Promise<string | null> {
  try {
    await noir.execute(input as Parameters<typeof noir.execute>[0]);
    return null;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const reason = /^Circuit execution failed: (.*)$/s.exec(message)?.[1];
    if (reason === undefined) throw error;
    return reason;
  }
}

// A circuit that refuses everything would refuse every mutation too.
for (const [name, input] of Object.entries(HONEST))
  if ((await refusalOf(input())) !== null) throw new Error(`the circuit refuses ${name}`);

let accepted = 0;
for (const [name, mutate] of Object.entries(MUTATIONS)) {
  if (values.class !== undefined && values.class !== name) continue;
  const started = performance.now();
  const reasons = new Set<string>();
  for (let index = from; index < from + count; index += 1) {
    const input = mutate(new Random(`${values.seed} ${name} ${index}`));
    const reason = await refusalOf(input);
    if (reason !== null) {
      reasons.add(reason);
      continue;
    }
    accepted += 1;
    process.stdout.write(`ACCEPTED ${name} ${index}: ${JSON.stringify(input)}\n`);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(
    `${name}: mutated witnesses ${from} to ${from + count - 1} in ${seconds} s; ${[...reasons].join("; ")}\n`,
  );
}
process.stdout.write(accepted === 0 ? "none satisfies the circuit\n" : `${accepted} satisfy the circuit\n`);
process.exitCode = accepted === 0 ? 0 : 1;
