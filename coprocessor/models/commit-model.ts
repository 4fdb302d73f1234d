/** What a proof of scores is bound to: commitments to a model's numbers and to features, as coprocessor/circuits/model computes them. */

import { poseidon2Hash } from "@zkpassport/poseidon2";
import { FIELD_ORDER, fieldTag } from "../ledger/poseidon-tree-hash.ts";
import { LEAF } from "./encode-model.ts";
import type { IntegerModel, Layer, TreeNode } from "./integer-model.ts";

const TAG_MODEL = fieldTag("Adyton.model");
const TAG_INPUT = fieldTag("Adyton.input");
const WEIGHTS_PER_ELEMENT = 15;
const WEIGHT_BITS = 16;
const FEATURES_PER_ELEMENT = 7;
const FEATURE_BITS = 32;

/** A whole number as an element of the field; below zero, the order less its magnitude. */
export const toElement = (value: number): bigint => {
  const whole = BigInt(value);
  return whole < 0n ? whole + FIELD_ORDER : whole;
};

/** How the model's numbers are read. */
export function modelTerms(model: IntegerModel): readonly bigint[] {
  const { kind, features, outputs, featureBits, featureLimit, scoreBits } = model;
  return [kind === "trees" ? 1 : 2, features, outputs, featureBits, featureLimit, scoreBits].map(BigInt);
}

/** @param salt zero where everybody may know the model; else an element of chance, which keeps its numbers from being guessed */
export function commitModel(model: IntegerModel, salt: bigint): bigint {
  const digests =
    model.kind === "trees"
      ? [poseidon2Hash([...model.base.map(toElement), ...treeElements(model)])]
      : model.layers.map(layerDigest);
  return poseidon2Hash([TAG_MODEL, salt, ...modelTerms(model), ...digests]);
}

/** The value of the row, or of the answer, that names the features. @param salt of chance: features are few, and would be guessed */
export function commitFeatures(features: readonly number[], salt: bigint): bigint {
  return poseidon2Hash([TAG_INPUT, salt, ...pack(features, FEATURES_PER_ELEMENT, FEATURE_BITS)]);
}

/** Every tree's nodes in one list. */
export function treeElements({ trees }: IntegerModel & { kind: "trees" }): readonly bigint[] {
  return trees.flatMap(({ nodes }) => nodes.map(nodeElement));
}

function nodeElement(node: TreeNode): bigint {
  const [feature, right, amount] =
    "leaf" in node ? [LEAF, 0, node.leaf] : [node.feature, node.right, node.threshold];
  return BigInt(feature) + BigInt(right) * 2n ** 16n + (BigInt(amount) + 2n ** 31n) * 2n ** 32n;
}

function layerDigest({ rows }: Layer): bigint {
  const biases = rows.map(({ bias }) => toElement(bias));
  const weights = pack(
    rows.flatMap(({ weights: row }) => row),
    WEIGHTS_PER_ELEMENT,
    WEIGHT_BITS,
  );
  return poseidon2Hash([...biases, ...weights]);
}

/** Numbers of so many bits, moved above zero, several to an element, the first one highest. */
function pack(values: readonly number[], perElement: number, bits: number): readonly bigint[] {
  const elements: bigint[] = [];
  for (let start = 0; start < values.length; start += perElement) {
    const some = values.slice(start, start + perElement);
    const moved = some.map((value) => BigInt(value) + 2n ** BigInt(bits - 1));
    elements.push(moved.reduce((all, value) => all * 2n ** BigInt(bits) + value, 0n));
  }
  return elements;
}
