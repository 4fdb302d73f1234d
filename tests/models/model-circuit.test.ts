/**
 * Each model's circuit has a witness for what the reference says of a sample, and for nothing else: forged scores, other inputs, other models
 * and features beyond the limit are tried.
 */

import { describe, expect, test } from "vitest";
import { scoreModel } from "../../coprocessor/models/integer-model.ts";
import { readModel } from "../../coprocessor/models/read-model.ts";
import {
  compileModelCircuit,
  modelCircuitInput,
  witnessInput,
} from "../../coprocessor/prover/model-circuit.ts";
import { solveWitness } from "../../coprocessor/prover/prove.ts";
import { CIRCUITS } from "../epochs/prover.ts";
import { cases, inputs, TERMS } from "../support/model-cases.ts";

const COUNT = 2;
/** Pairs of inputs that are put to each circuit, of the 10,000. */
const PAIRS = 3;
const refused = { code: "PROVER_FAILED" };

describe.for(cases)("the circuit of $name", ({ bytes }) => {
  const model = readModel(bytes, TERMS);
  const salt = 99n;
  const pair = (at: number) =>
    inputs.slice(at, at + COUNT).map((features, index) => ({ features, salt: BigInt(at + index) }));

  test("has a witness for what the reference says of a sample, and for features at their limit", async () => {
    const circuit = await compileModelCircuit(model, { count: COUNT, cache: CIRCUITS });
    const edge = { features: new Array<number>(model.features).fill(model.featureLimit), salt: 1n };
    const edges = [edge, { ...edge, features: edge.features.map((value) => -value) }];
    for (const secrets of [edges, ...Array.from({ length: PAIRS }, (_, index) => pair(COUNT * index))]) {
      const { input } = modelCircuitInput(model, salt, secrets);
      await expect(solveWitness(circuit, input)).resolves.toBeInstanceOf(Uint8Array);
    }
  });

  test("has none for a forged score, another input, or another model", async () => {
    const circuit = await compileModelCircuit(model, { count: COUNT, cache: CIRCUITS });
    const secrets = pair(0);
    const { statement } = modelCircuitInput(model, salt, secrets);
    const [first = [], ...rest] = statement.scores;
    const forged = [
      { ...statement, scores: [first.map((score) => score + 1), ...rest] },
      { ...statement, scores: statement.scores.toReversed() },
      { ...statement, inputs: statement.inputs.toReversed() },
      { ...statement, inputs: statement.inputs.map((input) => input + 1n) },
      { ...statement, model: statement.model + 1n },
    ];
    for (const other of forged) {
      const input = witnessInput(model, salt, { secrets, statement: other });
      await expect(solveWitness(circuit, input)).rejects.toMatchObject(refused);
    }
    const otherSalt = witnessInput(model, salt + 1n, { secrets, statement });
    await expect(solveWitness(circuit, otherSalt)).rejects.toMatchObject(refused);
  });

  test("has none for features beyond the limit, though they are what the input commits to", async () => {
    const circuit = await compileModelCircuit(model, { count: COUNT, cache: CIRCUITS });
    const [secret, other] = pair(0);
    if (secret === undefined || other === undefined) throw new Error("no inputs");
    const beyond = {
      ...secret,
      features: secret.features.map((value, index) => (index === 0 ? model.featureLimit + 1 : value)),
    };
    expect(() => scoreModel(model, beyond.features)).toThrow();
    const wide = { ...model, featureLimit: model.featureLimit + 1 };
    const { statement } = modelCircuitInput(wide, salt, [beyond, other]);
    const input = witnessInput(model, salt, {
      secrets: [beyond, other],
      statement: { ...statement, model: modelCircuitInput(model, salt, [secret, other]).statement.model },
    });
    await expect(solveWitness(circuit, input)).rejects.toMatchObject(refused);
  });
});
