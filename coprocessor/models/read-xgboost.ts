/** XGBoost's models, as `save_model("model.json")` writes them. What has no form in whole numbers is refused by name. */

import * as z from "zod";
import { refused } from "./integer-model.ts";
import type { RealNode, RealTrees } from "./quantise.ts";
import { checkNumbers } from "./read-lightgbm.ts";

const numbers = z.array(z.number());

const XgboostTree = z.object({
  left_children: numbers,
  right_children: numbers,
  split_indices: numbers,
  /** Of a leaf: its value. */
  split_conditions: numbers,
  split_type: numbers.optional(),
  categories: z.array(z.unknown()).optional(),
});

const Model = z.object({
  learner: z.object({
    gradient_booster: z.object({
      name: z.string(),
      model: z.object({ trees: z.array(XgboostTree), tree_info: z.array(z.int().min(0)) }).optional(),
    }),
    learner_model_param: z.object({
      base_score: z.string(),
      num_class: z.string(),
      num_feature: z.string(),
    }),
    objective: z.object({ name: z.string() }),
  }),
});

/** How `base_score` enters the sum: as it is, or as the log of the odds that it is the probability of. */
const BASE: Readonly<Record<string, (score: number) => number>> = {
  "reg:squarederror": (score) => score,
  "binary:logitraw": (score) => Math.log(score / (1 - score)),
  "binary:logistic": (score) => Math.log(score / (1 - score)),
  "reg:logistic": (score) => Math.log(score / (1 - score)),
  "multi:softmax": (score) => score,
  "multi:softprob": (score) => score,
};

export function readXgboost(json: unknown): RealTrees {
  const parsed = Model.safeParse(json);
  if (!parsed.success) throw refused(`no model of XGBoost: ${z.prettifyError(parsed.error)}`);
  const { gradient_booster: booster, learner_model_param: param, objective } = parsed.data.learner;
  if (booster.name !== "gbtree" || booster.model === undefined)
    throw refused(`the booster ${booster.name} is not served: gbtree is`);
  const base = BASE[objective.name];
  if (base === undefined) throw refused(`the objective ${objective.name} is not served`);
  const outputs = Math.max(1, Number(param.num_class));
  const { trees, tree_info: outputOf } = booster.model;
  const made = trees.map((tree, index) => ({ root: treeOf(tree), output: outputOf[index] ?? 0 }));
  const features = Number(param.num_feature);
  checkNumbers(made, features);
  return { features, base: baseScores(param.base_score, outputs).map(base), trees: made };
}

/** One number, or, since 3.1, a list of them. */
function baseScores(text: string, outputs: number): readonly number[] {
  const given = text
    .replace(/^\[|\]$/g, "")
    .split(",")
    .map(Number);
  const scores = given.length === 1 ? new Array<number>(outputs).fill(given[0] ?? Number.NaN) : given;
  if (scores.length !== outputs || scores.some((score) => !Number.isFinite(score)))
    throw refused("base_score is no number for each output");
  return scores;
}

function treeOf(tree: z.output<typeof XgboostTree>): RealNode {
  if (tree.split_type?.some((type) => type !== 0) === true || (tree.categories?.length ?? 0) > 0)
    throw refused("categorical splits are not served");
  const nodeAt = (index: number, depth: number): RealNode => {
    const [left = Number.NaN, right = Number.NaN] = [tree.left_children[index], tree.right_children[index]];
    const condition = tree.split_conditions[index] ?? Number.NaN;
    if (left === -1) return { leaf: condition };
    if (!(index < tree.left_children.length && depth < tree.left_children.length))
      throw refused("a tree's branches lead nowhere, or back");
    return {
      feature: tree.split_indices[index] ?? Number.NaN,
      // Compared as float32, and printed with as many digits as it has.
      threshold: Math.fround(condition),
      takesEqual: false,
      left: nodeAt(left, depth + 1),
      right: nodeAt(right, depth + 1),
    };
  };
  return nodeAt(0, 0);
}
