/** LightGBM's models: the text that `save_model` writes, and the JSON of `dump_model`. What has no form in whole numbers is refused by name. */

import * as z from "zod";
import { refused } from "./integer-model.ts";
import type { RealNode, RealTrees } from "./quantise.ts";

/** Objectives whose raw score is the sum of the leaves. What is made of it afterwards (a probability) rises with it. */
const OBJECTIVES = /^(?:binary|regression|multiclass|multiclassova|cross_entropy|lambdarank|rank_xendcg)\b/;

/** decision_type of the text: bit 0 categorical, bit 1 default left, bits 2 and 3 how missing values are told. */
const CATEGORICAL = 1;
const MISSING = 0b1100;

export function readLightgbmText(text: string): RealTrees {
  const [head = "", ...sections] = text.split(/^Tree=/m);
  const header = fieldsOf(head);
  const outputs = Number(header["num_tree_per_iteration"] ?? "1");
  checkObjective(header["objective"] ?? "");
  if ("average_output" in header) throw refused("average_output (random forests of LightGBM) is not served");
  const trees = sections.map((section, index) => ({
    root: treeOf(fieldsOf(section.split(/^end of trees/m)[0] ?? "")),
    output: index % outputs,
  }));
  return finish(Number(header["max_feature_idx"]) + 1, outputs, trees);
}

function fieldsOf(section: string): Readonly<Record<string, string>> {
  const lines = section.split("\n").map((line) => line.trim());
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf("=");
      return at === -1 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}

function treeOf(fields: Readonly<Record<string, string>>): RealNode {
  const numbers = (name: string): readonly number[] => (fields[name] ?? "").split(" ").map(Number);
  if (fields["is_linear"] === "1") throw refused("linear trees are not served");
  const leaves = numbers("leaf_value");
  if (Number(fields["num_leaves"]) === 1) return { leaf: leaves[0] ?? Number.NaN };
  const types = numbers("decision_type");
  checkSplits(
    types.some((type) => (type & CATEGORICAL) !== 0),
    types.some((type) => (type & MISSING) !== 0),
  );
  const [features, thresholds] = [numbers("split_feature"), numbers("threshold")];
  const [lefts, rights] = [numbers("left_child"), numbers("right_child")];
  // Children below zero are leaves: ~index.
  const nodeAt = (index: number, depth: number): RealNode => {
    if (index < 0) return { leaf: leaves[~index] ?? Number.NaN };
    // Whatever is missing from a list is not a number here.
    if (!(index < features.length && depth < features.length))
      throw refused("a tree's branches lead nowhere, or back");
    return {
      feature: features[index] ?? Number.NaN,
      threshold: thresholds[index] ?? Number.NaN,
      takesEqual: true,
      left: nodeAt(lefts[index] ?? Number.NaN, depth + 1),
      right: nodeAt(rights[index] ?? Number.NaN, depth + 1),
    };
  };
  return nodeAt(0, 0);
}

interface JsonNode {
  readonly leaf_value?: number;
  readonly split_feature?: number;
  readonly threshold?: number | string;
  readonly decision_type?: string;
  readonly missing_type?: string;
  readonly left_child?: JsonNode;
  readonly right_child?: JsonNode;
}

const Dump = z.object({
  num_tree_per_iteration: z.int().min(1),
  max_feature_idx: z.int().min(0),
  objective: z.string(),
  average_output: z.boolean().optional(),
  tree_info: z.array(z.object({ tree_structure: z.custom<JsonNode>((value) => typeof value === "object") })),
});

export function readLightgbmJson(json: unknown): RealTrees {
  const parsed = Dump.safeParse(json);
  if (!parsed.success) throw refused(`no dump_model of LightGBM: ${z.prettifyError(parsed.error)}`);
  const {
    num_tree_per_iteration: outputs,
    max_feature_idx,
    objective,
    average_output,
    tree_info,
  } = parsed.data;
  checkObjective(objective);
  if (average_output === true) throw refused("average_output (random forests of LightGBM) is not served");
  const trees = tree_info.map(({ tree_structure }, index) => ({
    root: jsonNode(tree_structure),
    output: index % outputs,
  }));
  return finish(max_feature_idx + 1, outputs, trees);
}

function jsonNode(node: JsonNode): RealNode {
  const { split_feature, threshold, left_child, right_child, leaf_value } = node;
  if (split_feature === undefined) return { leaf: leaf_value ?? Number.NaN };
  checkSplits(node.decision_type !== "<=", (node.missing_type ?? "None") !== "None");
  if (left_child === undefined || right_child === undefined) throw refused("a split has no two branches");
  return {
    feature: split_feature,
    threshold: Number(threshold),
    takesEqual: true,
    left: jsonNode(left_child),
    right: jsonNode(right_child),
  };
}

function checkObjective(objective: string): void {
  if (!OBJECTIVES.test(objective)) throw refused(`the objective ${objective || "(none)"} is not served`);
}

function checkSplits(isCategorical: boolean, hasMissing: boolean): void {
  if (isCategorical) throw refused("categorical splits are not served");
  if (hasMissing)
    throw refused("missing-value branches are not served: train without missing values (use_missing=false)");
}

function finish(features: number, outputs: number, trees: RealTrees["trees"]): RealTrees {
  if (trees.length === 0 || !Number.isInteger(features)) throw refused("no model of LightGBM");
  checkNumbers(trees, features);
  return { features, base: new Array<number>(outputs).fill(0), trees };
}

/** Whatever a file left out is not a number by now. */
export function checkNumbers(trees: RealTrees["trees"], features: number): void {
  const check = (node: RealNode): void => {
    if ("leaf" in node) {
      if (!Number.isFinite(node.leaf)) throw refused("a leaf has no value");
      return;
    }
    if (!Number.isInteger(node.feature) || node.feature < 0 || node.feature >= features)
      throw refused("a split names no feature");
    check(node.left);
    check(node.right);
  };
  for (const { root } of trees) check(root);
}
