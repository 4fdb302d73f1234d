/**
 * 10,000 inputs of chance: each model's contract says bit for bit what the reference says, and both are within the stated error of
 * what the model's own runtime said of them; for ONNX, of what `onnxruntime-node` says now. `npm run test:models`.
 */

import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { scoreModel, toReal, type IntegerModel } from "../../coprocessor/models/integer-model.ts";
import { readModel } from "../../coprocessor/models/read-model.ts";
import { writeSolidity } from "../../coprocessor/models/write-solidity.ts";
import { cases, FEATURES, file, inputs, TERMS } from "../support/model-cases.ts";
import { startModelChain, type ModelChain } from "../support/model-chain.ts";

let chain: ModelChain;
beforeAll(async () => {
  chain = await startModelChain();
});
afterAll(() => chain.stop());

describe.for(cases)("$name", ({ name, bytes, expected, tolerance }) => {
  const model = readModel(bytes, TERMS);
  const scores = inputs.map((features) => scoreModel(model, features));

  test("is within the stated error of what its own runtime said", () => {
    expect(inputs).toHaveLength(10_000);
    expect(expected).toHaveLength(inputs.length * model.outputs);
    expect(largestError(model, scores, expected)).toBeLessThan(model.maxError + tolerance);
  });

  test("has a contract that gives the same scores, bit for bit", async () => {
    const contract = await chain.deployModel(writeSolidity(model, name));
    expect(await chain.scoreAll(contract, inputs)).toEqual(scores);
  });
});

test.for([
  ["logistic.onnx", 1e-5],
  ["perceptron.onnx", 1e-4],
] as const)("%s is within the stated error of onnxruntime-node", async ([name, tolerance]) => {
  const model = readModel(file(name), TERMS);
  const session = await InferenceSession.create(file(name));
  const values = Float32Array.from(inputs.flat(), (value) => value / 2 ** model.featureBits);
  const { y } = await session.run({ x: new Tensor("float32", values, [inputs.length, FEATURES]) });
  const said = Array.from(y?.data as Float32Array);
  expect(said).toHaveLength(inputs.length * model.outputs);
  const scores = inputs.map((features) => scoreModel(model, features));
  expect(largestError(model, scores, said)).toBeLessThan(model.maxError + tolerance);
});

function largestError(
  model: IntegerModel,
  scores: readonly (readonly number[])[],
  expected: readonly number[],
): number {
  return Math.max(
    ...scores.flat().map((score, index) => Math.abs(toReal(model, score) - (expected[index] ?? Number.NaN))),
  );
}
