/** Trained models, their form in whole numbers, and their contracts say the same, within the stated error; 10,000 inputs: `npm run test:models`. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../../cli/model/build.ts";
import {
  scoreModel,
  toReal,
  type IntegerModel,
  type TreeNode,
} from "../../../coprocessor/models/integer-model.ts";
import { quantiseLayers } from "../../../coprocessor/models/quantise.ts";
import { readModel } from "../../../coprocessor/models/read-model.ts";
import { writeSolidity } from "../../../coprocessor/models/write-solidity.ts";
import { codeOf } from "../../support/code-of.ts";
import { cases, FEATURES, file, inputs, MODELS, TERMS, xgboost } from "../../support/model-cases.ts";
import { packFeatures, startModelChain, type ModelChain } from "../../support/model-chain.ts";

const INTERFACE =
  "interface IScoreModel { function score(bytes calldata) external view returns (int256[] memory); function modelHash() external view returns (bytes32); }";
let chain: ModelChain;
beforeAll(async () => {
  chain = await startModelChain();
}, 120_000);
afterAll(() => chain.stop());

/** Of the 10,000. */
const SAMPLE = 200;

describe.for(cases)("$name", ({ name, bytes, expected, tolerance }) => {
  const model = readModel(bytes, TERMS);
  const sample = inputs.slice(0, SAMPLE);
  const scores = sample.map((features) => scoreModel(model, features));

  test("is within the stated error of what its own runtime says of a sample", () => {
    const all = scores.flat();
    expect(all).toHaveLength(SAMPLE * model.outputs);
    const errors = all.map((score, index) => Math.abs(toReal(model, score) - expected[index]!));
    expect(Math.max(...errors)).toBeLessThan(model.maxError + tolerance);
    expect(model.maxError).toBeLessThan(0.1);
  });

  test("has a contract that gives the same scores, bit for bit", async () => {
    const contract = await chain.deployModel(writeSolidity(model, name));
    expect(await chain.scoreAll(contract, sample)).toEqual(scores);
    const edge = new Array<number>(FEATURES).fill(model.featureLimit);
    const edges = [edge, edge.map((value) => -value), edge.map(() => 0)];
    expect(await chain.scoreAll(contract, edges)).toEqual(edges.map((some) => scoreModel(model, some)));
  }, 120_000);
});

describe("a contract", () => {
  const model = readModel(file("logistic.onnx"), TERMS);

  test("refuses features that the reference refuses", async () => {
    const contract = await chain.deployModel(writeSolidity(model, "Logistic"));
    const over = [model.featureLimit + 1, ...new Array<number>(FEATURES - 1).fill(0)];
    for (const features of [over, over.map((value) => -value), [0], [...over, 0]]) {
      expect(codeOf(() => scoreModel(model, features))).toBe("INPUT_INVALID");
      await expect(contract.getFunction("score").staticCall(packFeatures(features))).rejects.toThrow(
        /FeaturesInvalid/,
      );
    }
  }, 120_000);

  test("cannot be deployed over another model's data", async () => {
    const made = writeSolidity(model, "Logistic");
    const other = writeSolidity(readModel(file("perceptron.onnx"), TERMS), "Logistic");
    expect(made.modelHash).not.toBe(other.modelHash);
    await expect(chain.deployModel({ ...made, data: other.data })).rejects.toThrow();
  }, 120_000);

  test("gates a consumer: another input, or another score, does not pass", async () => {
    const page = readFileSync(join(import.meta.dirname, "../../../docs/how-to/prove-a-model.md"), "utf8");
    const source = (/```solidity\n([\s\S]+?)```/.exec(page)?.[1] ?? "").replace(/^import .*$/m, INTERFACE);
    const contract = await chain.deployModel(writeSolidity(model, "Logistic"));
    const threshold = 0;
    const gate = await chain.deploy(source, "Vault", [
      contract.target,
      writeSolidity(model, "Logistic").modelHash,
      threshold,
    ]);
    const passes = inputs.find((features) => (scoreModel(model, features)[0] ?? 0) >= threshold)!;
    const fails = inputs.find((features) => (scoreModel(model, features)[0] ?? 0) < threshold)!;
    expect(await gate.getFunction("withdraw").staticCall(packFeatures(passes))).toBe(true);
    await expect(gate.getFunction("withdraw").staticCall(packFeatures(fails))).rejects.toThrow(/ScoreTooLow/);
    const other = await chain.deployModel(writeSolidity(readModel(file("lightgbm.txt"), TERMS), "Lightgbm"));
    await expect(
      chain.deploy(source, "Vault", [other.target, writeSolidity(model, "Logistic").modelHash, threshold]),
    ).rejects.toThrow();
  }, 120_000);
});

describe("reading", () => {
  const text = Buffer.from(file("lightgbm.txt")).toString("utf8");
  const json = JSON.parse(Buffer.from(xgboost.bytes).toString("utf8")) as {
    learner: {
      gradient_booster: { name: string; model: { trees: Record<string, unknown>[] } };
      objective: { name: string };
    };
  };
  const changed = (change: (copy: typeof json) => void): Uint8Array => {
    const copy = structuredClone(json);
    change(copy);
    return Buffer.from(JSON.stringify(copy));
  };

  test("LightGBM's JSON gives the trees of its text", () => {
    const trees = (model: IntegerModel): readonly (readonly TreeNode[])[] =>
      model.kind === "trees" ? model.trees.slice(0, 3).map(({ nodes }) => nodes) : [];
    const [fromText, fromJson] = [file("lightgbm.txt"), file("lightgbm.json")].map((bytes) =>
      trees(readModel(bytes, TERMS)),
    );
    expect(fromJson).toHaveLength(3);
    expect(fromJson).toEqual(fromText);
  });

  test("runs a file from the command line's features", () => {
    const { scores, real: said } = run(join(MODELS, "logistic.onnx"), {
      ...TERMS,
      features: "[0.5,-1,0,0,0,0,0,0]",
    });
    const model = readModel(file("logistic.onnx"), TERMS);
    expect(scores).toEqual(scoreModel(model, [2048, -4096, 0, 0, 0, 0, 0, 0]));
    expect(said).toEqual(scores.map((score) => toReal(model, score)));
    expect(codeOf(() => run("nothing.onnx", { ...TERMS, features: "[]" }))).toBe("INPUT_NOT_FOUND");
    expect(codeOf(() => run(join(MODELS, "logistic.onnx"), { ...TERMS, features: "{}" }))).toBe(
      "INPUT_INVALID",
    );
  });

  test.for<[string, () => Uint8Array, RegExp]>([
    [
      "categorical splits of LightGBM",
      () => Buffer.from(text.replace("decision_type=2", "decision_type=1")),
      /categorical splits/,
    ],
    [
      "missing values as zero",
      () => Buffer.from(text.replace("decision_type=2", "decision_type=6")),
      /missing-value branches/,
    ],
    [
      "missing values as NaN",
      () => Buffer.from(text.replace("decision_type=2", "decision_type=10")),
      /missing-value branches/,
    ],
    ["linear trees", () => Buffer.from(text.replace("is_linear=0", "is_linear=1")), /linear trees/],
    [
      "another objective of LightGBM",
      () => Buffer.from(text.replace("objective=binary", "objective=poisson")),
      /poisson/,
    ],
    [
      "a random forest of LightGBM",
      () => Buffer.from(text.replace("num_class=1", "num_class=1\naverage_output")),
      /average_output/,
    ],
    [
      "a tree that leads nowhere",
      () => Buffer.from(text.replace(/left_child=\d+/, "left_child=0")),
      /lead nowhere/,
    ],
    [
      "a leaf without a value",
      () => Buffer.from(text.replace(/leaf_value=\S+/, "leaf_value=x")),
      /leaf has no value/,
    ],
    [
      "categorical splits of XGBoost",
      () =>
        changed(({ learner }) => {
          learner.gradient_booster.model.trees[0]!["split_type"] = [1];
        }),
      /categorical splits/,
    ],
    [
      "DART",
      () =>
        changed(({ learner }) => {
          learner.gradient_booster.name = "dart";
        }),
      /dart/,
    ],
    [
      "another objective of XGBoost",
      () =>
        changed(({ learner }) => {
          learner.objective.name = "count:poisson";
        }),
      /count:poisson/,
    ],
    [
      "a tree of XGBoost that leads back",
      () =>
        changed(({ learner }) => {
          (learner.gradient_booster.model.trees[0]!["left_children"] as number[])[0] = 0;
        }),
      /lead nowhere/,
    ],
    ["another operator of ONNX", () => replaceText(file("perceptron.onnx"), "Relu", "Tanh"), /Tanh/],
    ["a chain that is broken", () => replaceText(file("perceptron.onnx"), "r0", "zz"), /no chain/],
    ["half a file of ONNX", () => file("perceptron.onnx").subarray(0, 700), /no protocol buffers/],
    ["a graph that is a number", () => Uint8Array.of(7 << 3, 1), /another type/],
    ["a length beyond the file", () => Uint8Array.of((7 << 3) | 2, 0xff, 0x01), /no protocol buffers/],
    [
      "a name that is no UTF-8",
      () => replaceText(file("perceptron.onnx"), "r0", "\xff0"),
      /no protocol buffers/,
    ],
    ["nothing", () => new Uint8Array(), /no ONNX model/],
    ["JSON that is none", () => Buffer.from("{}"), /no dump_model/],
    ["text that is none", () => Buffer.from("{"), /neither ONNX/],
  ])("refuses %s, by name", ([, bytes, message]) => {
    expect(() => readModel(bytes(), TERMS)).toThrow(message);
    expect(codeOf(() => readModel(bytes(), TERMS))).toBe("INPUT_INVALID");
  });

  test.for<[string, { featureBits?: number; range?: number }, RegExp]>([
    ["a range beyond 32 bits", { range: 1e9 }, /32 bits/],
    ["bits that no float32 has", { featureBits: 24 }, /bits after the point/],
  ])("refuses %s", ([, change, message]) => {
    expect(() => readModel(file("perceptron.onnx"), { ...TERMS, ...change })).toThrow(message);
  });

  test("refuses sums beyond 53 bits, which the reference would round", () => {
    const features = 4_096;
    const weights = [new Array<number>(features).fill(1)];
    const layers = [{ weights, bias: [0], relu: false }];
    expect(codeOf(() => quantiseLayers({ features, layers }, 20, 2_000))).toBe("INPUT_INVALID");
    expect(quantiseLayers({ features, layers }, 12, 8).outputs).toBe(1);
  });

  test("refuses a contract's name that is none", () => {
    const model = readModel(file("logistic.onnx"), TERMS);
    expect(codeOf(() => writeSolidity(model, "x; selfdestruct"))).toBe("INPUT_INVALID");
  });
});

function replaceText(bytes: Uint8Array, from: string, to: string): Uint8Array {
  return Buffer.from(Buffer.from(bytes).toString("latin1").replace(from, to), "latin1");
}
