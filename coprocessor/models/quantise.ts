/** From a trained model's real numbers to whole ones, with a bound on what that changes. */

import {
  MAX_INT32,
  refused,
  type IntegerModel,
  type Layer,
  type Tree,
  type TreeNode,
} from "./integer-model.ts";

/** Of a trainer's: `below` is the greatest real number for which the left branch is taken, or the least for which it is not. */
export type RealNode =
  | {
      readonly feature: number;
      readonly threshold: number;
      /** Whether a feature equal to the threshold goes left: LightGBM's `<=`, or XGBoost's `<`. */
      readonly takesEqual: boolean;
      readonly left: RealNode;
      readonly right: RealNode;
    }
  | { readonly leaf: number };

export interface RealTrees {
  readonly features: number;
  /** What scores begin with. */
  readonly base: readonly number[];
  readonly trees: readonly { readonly root: RealNode; readonly output: number }[];
}

export interface RealLayers {
  readonly features: number;
  readonly layers: readonly {
    readonly weights: readonly (readonly number[])[];
    readonly bias: readonly number[];
    readonly relu: boolean;
  }[];
}

/** Bits after the point of a leaf, where its whole part leaves room in 32 bits. */
const LEAF_BITS = 24;
/** A float32 has so many: features on the grid are then exactly what the trainer compares. */
const FLOAT_BITS = 24;
/** Nodes of one tree: places have 16 bits. */
const MAX_NODES = 0xffff;
const MAX_FEATURES = 0xfffe;
/** Weights are 16 bits wide. */
const MAX_WEIGHT = 0x7fff;
const WEIGHT_BITS = 14;

/**
 * Thresholds move to the grid of the features, where they decide alike: a feature k / 2^bits is at most t exactly if k is at most
 * floor(t · 2^bits). Only leaves are rounded.
 */
export function quantiseTrees(model: RealTrees, featureBits: number): IntegerModel {
  const leaves = model.trees.flatMap(({ root }) => leavesOf(root));
  const largest = Math.max(1, ...leaves.map(Math.abs), ...model.base.map(Math.abs));
  const scoreBits = Math.min(LEAF_BITS, Math.floor(Math.log2(MAX_INT32 / largest)));
  if (scoreBits < 0) throw refused("leaves are too large for 32 bits");
  const scale = 2 ** scoreBits;
  const trees = model.trees.map(({ root, output }) => ({ output, nodes: flatten(root, featureBits, scale) }));
  const perOutput = model.base.map((_, index) => trees.filter(({ output }) => output === index).length);
  return {
    kind: "trees",
    features: checkCount(model.features),
    outputs: model.base.length,
    featureBits,
    featureLimit: 2 ** FLOAT_BITS - 1,
    scoreBits,
    // Half a unit for each leaf and for the base.
    maxError: ((Math.max(...perOutput) + 1) * 0.5) / scale,
    base: model.base.map((value) => Math.round(value * scale)),
    trees,
  };
}

function leavesOf(node: RealNode): readonly number[] {
  return "leaf" in node ? [node.leaf] : [...leavesOf(node.left), ...leavesOf(node.right)];
}

/** A node, its left branch, then its right one. */
function flatten(root: RealNode, featureBits: number, scale: number): Tree["nodes"] {
  const nodes: TreeNode[] = [];
  const add = (node: RealNode): number => {
    const at = nodes.length;
    if ("leaf" in node) {
      nodes.push({ leaf: Math.round(node.leaf * scale) });
      return at;
    }
    nodes.push({ leaf: 0 });
    const left = add(node.left);
    const right = add(node.right);
    const { feature } = node;
    nodes[at] = { feature, threshold: toGrid(node.threshold, node.takesEqual, featureBits), left, right };
    return at;
  };
  add(root);
  if (nodes.length > MAX_NODES) throw refused(`a tree has more than ${MAX_NODES} nodes`);
  return nodes;
}

/** The greatest feature, in whole numbers, that goes left. */
function toGrid(threshold: number, takesEqual: boolean, featureBits: number): number {
  if (Number.isNaN(threshold)) throw refused("a threshold is not a number");
  const scaled = threshold * 2 ** featureBits;
  const greatest = takesEqual ? Math.floor(scaled) : Math.ceil(scaled) - 1;
  return Math.max(-MAX_INT32, Math.min(MAX_INT32, greatest));
}

/**
 * Weights become 16 bits wide, as fine as the largest of their layer allows. Sums are whole numbers below 2^53, so that the reference
 * has them exactly.
 *
 * @param range greatest magnitude of a feature, as a real number
 */
export function quantiseLayers(
  { features, layers }: RealLayers,
  featureBits: number,
  range: number,
): IntegerModel {
  const featureLimit = Math.floor(range * 2 ** featureBits);
  if (!(featureLimit > 0 && featureLimit <= MAX_INT32))
    throw refused("the range of features does not fit 32 bits");
  const made: Layer[] = [];
  // Per value between layers: how large it can be, and how far from the real one.
  let bounds = new Array<Bound>(checkCount(features)).fill({ size: range, error: 0 });
  let scoreBits = featureBits;
  layers.forEach(({ weights, bias, relu }, index) => {
    const isLast = index === layers.length - 1;
    if (relu === isLast)
      throw refused(isLast ? "Relu after the last Gemm is not served" : "two Gemm without Relu between them");
    const largest = Math.max(2 ** -WEIGHT_BITS, ...weights.flat().map(Math.abs));
    const weightBits = Math.min(WEIGHT_BITS, Math.floor(Math.log2(MAX_WEIGHT / largest)));
    if (weightBits < 1) throw refused("a weight is too large for 16 bits");
    const sumBits = featureBits + weightBits;
    const rows = weights.map((row, output) => ({
      weights: row.map((weight) => Math.round(weight * 2 ** weightBits)),
      bias: Math.round((bias[output] ?? 0) * 2 ** sumBits),
    }));
    const before = bounds;
    bounds = weights.map((row, output) => boundOf(row, bias[output] ?? 0, before, { weightBits, sumBits }));
    if (bounds.some(({ size }) => size * 2 ** sumBits >= 2 ** 53))
      throw refused("sums need more than 53 bits: give a smaller range, or fewer bits of features");
    if (!isLast) bounds = bounds.map(({ size, error }) => ({ size, error: error + 2 ** -featureBits }));
    made.push({ rows, shift: isLast ? null : weightBits });
    scoreBits = sumBits;
  });
  const maxError = Math.max(...bounds.map(({ error }) => error));
  const outputs = bounds.length;
  return { kind: "layers", features, outputs, featureBits, featureLimit, scoreBits, maxError, layers: made };
}

interface Bound {
  readonly size: number;
  readonly error: number;
}

function boundOf(
  row: readonly number[],
  bias: number,
  inputs: readonly Bound[],
  { weightBits, sumBits }: { readonly weightBits: number; readonly sumBits: number },
): Bound {
  const half = 2 ** -(weightBits + 1);
  let size = Math.abs(bias);
  let error = 2 ** -(sumBits + 1);
  for (const [index, weight] of row.entries()) {
    const input = inputs[index] ?? { size: 0, error: 0 };
    size += Math.abs(weight) * input.size;
    // Rounding the weight, on the value as it may be; and the value's own error.
    error += half * (input.size + input.error) + Math.abs(weight) * input.error;
  }
  return { size: size + error, error };
}

function checkCount(features: number): number {
  if (features >= 1 && features <= MAX_FEATURES) return features;
  throw refused(`a model has 1 to ${MAX_FEATURES} features`);
}
