/**
 * A small model in whole numbers, and what it says of features: the semantics that the generated contract has as well, bit for bit.
 * docs/how-to/prove-a-model.md.
 */

import { InputError } from "../../protocol/errors.ts";

export type TreeNode =
  /** `left` where the feature is at most the threshold, else `right`; both are places in the tree, and come later in it. */
  | { readonly feature: number; readonly threshold: number; readonly left: number; readonly right: number }
  | { readonly leaf: number };

export interface Tree {
  readonly nodes: readonly TreeNode[];
  /** The score that its leaf is added to. */
  readonly output: number;
}

export interface Layer {
  /** For each of its outputs. */
  readonly rows: readonly { readonly weights: readonly number[]; readonly bias: number }[];
  /** Negative sums become 0, and the rest loses so many bits; null for the last layer, whose sums are the scores. */
  readonly shift: number | null;
}

interface Shared {
  readonly features: number;
  readonly outputs: number;
  /** A feature x is given as the whole number x · 2^featureBits. */
  readonly featureBits: number;
  /** Greatest magnitude of a feature, in whole numbers. */
  readonly featureLimit: number;
  /** A score s is the whole number s · 2^scoreBits. */
  readonly scoreBits: number;
  /** How far a score, as a real number, may be from that of the model it was made of, for features on the grid. */
  readonly maxError: number;
}

export type IntegerModel = Shared &
  (
    | { readonly kind: "trees"; readonly base: readonly number[]; readonly trees: readonly Tree[] }
    | { readonly kind: "layers"; readonly layers: readonly Layer[] }
  );

export const MAX_INT32 = 0x7fff_ffff;

/**
 * The scores, as whole numbers.
 *
 * @throws {InputError} INPUT_INVALID for features that the contract would refuse
 */
export function scoreModel(model: IntegerModel, features: readonly number[]): readonly number[] {
  checkFeatures(model, features);
  return model.kind === "trees" ? scoreTrees(model, features) : scoreLayers(model.layers, features);
}

function checkFeatures({ features: count, featureLimit }: IntegerModel, features: readonly number[]): void {
  if (features.length !== count) throw refused(`the model takes ${count} features, not ${features.length}`);
  const outside = features.findIndex((value) => !Number.isInteger(value) || Math.abs(value) > featureLimit);
  if (outside !== -1)
    throw refused(`feature ${outside} is no whole number between ${-featureLimit} and ${featureLimit}`);
}

function scoreTrees(
  { base, trees }: IntegerModel & { kind: "trees" },
  features: readonly number[],
): readonly number[] {
  const scores = [...base];
  for (const { nodes, output } of trees) {
    let node = nodes[0];
    while (node !== undefined && !("leaf" in node)) {
      const goesLeft = (features[node.feature] ?? 0) <= node.threshold;
      node = nodes[goesLeft ? node.left : node.right];
    }
    scores[output] = (scores[output] ?? 0) + (node?.leaf ?? 0);
  }
  return scores;
}

function scoreLayers(layers: readonly Layer[], features: readonly number[]): readonly number[] {
  let values = features;
  for (const { rows, shift } of layers) {
    const inputs = values;
    values = rows.map(({ weights, bias }) => {
      const sum = weights.reduce((total, weight, index) => total + weight * (inputs[index] ?? 0), bias);
      if (shift === null) return sum;
      // Rounds down, as an arithmetic shift does; sums have up to 53 bits (`quantiseLayers`), so that `>>` would cut them.
      return sum <= 0 ? 0 : Math.floor(sum / 2 ** shift);
    });
  }
  return values;
}

/** A score as the real number that it stands for. */
export function toReal({ scoreBits }: IntegerModel, score: number): number {
  return score / 2 ** scoreBits;
}

/** Features on the grid, from real ones. */
export function toFeatures({ featureBits }: IntegerModel, values: readonly number[]): readonly number[] {
  return values.map((value) => Math.round(value * 2 ** featureBits));
}

export function refused(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message: `model: ${message}` });
}
