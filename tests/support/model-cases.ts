/** The models of tests/vectors/models with what their own runtimes say, and inputs to ask them about. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

export const MODELS = join(import.meta.dirname, "../vectors/models");
export const file = (name: string): Uint8Array => readFileSync(join(MODELS, name));
export const TERMS = { featureBits: 12, range: 8 };
export const FEATURES = 8;
/** As many as `train.py` recorded. */
const COUNT = 10_000;

/** As `train.py` draws them. */
function drawInputs(count: number, seed: number): number[][] {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t ^ (t + Math.imul(t ^ (t >>> 7), t | 61))) >>> 0;
    return (t ^ (t >>> 14)) >>> 0;
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: FEATURES }, () => (next() >>> 16) - 32_768),
  );
}

/** In whole numbers, with 12 bits after the point. */
export const inputs = drawInputs(COUNT, 2);

/** What the model's own runtime said, recorded by `train.py`. */
function recorded(name: string, bytes: 4 | 8): readonly number[] {
  const data = file(name);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  return Array.from({ length: data.length / bytes }, (_, index) =>
    bytes === 8 ? view.getFloat64(index * 8, true) : view.getFloat32(index * 4, true),
  );
}

/** XGBoost's format, with trees of chance: what its documentation and its own writer have in it. */
function xgboostFile(): { readonly bytes: Uint8Array; readonly predict: (x: readonly number[]) => number } {
  const draw = drawInputs(200, 3).flat();
  let at = 0;
  const next = (): number => Math.fround((draw[at++ % draw.length] ?? 0) / 4096);
  const trees = Array.from({ length: 20 }, () => {
    // A full tree of depth 4: children of i are 2i + 1 and 2i + 2.
    const isLeaf = (index: number): boolean => index >= 15;
    const all = Array.from({ length: 31 }, (_, index) => index);
    return {
      left_children: all.map((index) => (isLeaf(index) ? -1 : 2 * index + 1)),
      right_children: all.map((index) => (isLeaf(index) ? -1 : 2 * index + 2)),
      split_indices: all.map((index) => (isLeaf(index) ? 0 : Math.abs(Math.floor(next() * 4096)) % FEATURES)),
      split_conditions: all.map(() => next()),
      split_type: all.map(() => 0),
      default_left: all.map(() => 0),
      categories: [],
    };
  });
  const json = {
    learner: {
      gradient_booster: { name: "gbtree", model: { trees, tree_info: trees.map(() => 0) } },
      learner_model_param: { base_score: "[2.5E-1]", num_class: "0", num_feature: String(FEATURES) },
      objective: { name: "binary:logistic" },
    },
    version: [3, 1, 0],
  };
  const predict = (x: readonly number[]): number =>
    trees.reduce(
      (sum, tree) => {
        let node = 0;
        while (tree.left_children[node] !== -1) {
          const isLess = Math.fround(x[tree.split_indices[node]!]!) < tree.split_conditions[node]!;
          node = (isLess ? tree.left_children : tree.right_children)[node]!;
        }
        return sum + tree.split_conditions[node]!;
      },
      Math.log(0.25 / 0.75),
    );
  return { bytes: Buffer.from(JSON.stringify(json)), predict };
}

export const xgboost = xgboostFile();
const real = inputs.map((features) => features.map((value) => value / 4096));

export interface Case {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly expected: readonly number[];
  /** Of float32 arithmetic in the model's own runtime. */
  readonly tolerance: number;
}

export const cases: readonly Case[] = [
  { name: "Lightgbm", bytes: file("lightgbm.txt"), expected: recorded("lightgbm.f64", 8), tolerance: 1e-12 },
  { name: "Xgboost", bytes: xgboost.bytes, expected: real.map(xgboost.predict), tolerance: 1e-12 },
  {
    name: "Perceptron",
    bytes: file("perceptron.onnx"),
    expected: recorded("perceptron.f32", 4),
    tolerance: 1e-4,
  },
  { name: "Logistic", bytes: file("logistic.onnx"), expected: recorded("logistic.f32", 4), tolerance: 1e-5 },
];
