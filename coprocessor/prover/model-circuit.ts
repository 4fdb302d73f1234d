/** The circuit of a model's shape, for a number of scores in one proof, and what it is given. */

import { join } from "node:path";
import { commitFeatures, commitModel, modelTerms, toElement, treeElements } from "../models/commit-model.ts";
import { scoreModel, type IntegerModel, type Tree } from "../models/integer-model.ts";
import type { CircuitInput, CircuitValue } from "../epochs/build-epoch.ts";
import { compileNoir, type Circuit, type CircuitSource } from "./compile-noir.ts";

const CIRCUITS = join(import.meta.dirname, "../circuits");
/** Of a sum (`quantiseLayers`). */
const SUM_BITS = 53;

export interface SecretFeatures {
  readonly features: readonly number[];
  readonly salt: bigint;
}

/** What a proof says: these features, under that model, have these scores. */
export interface ScoreStatement {
  readonly model: bigint;
  readonly inputs: readonly bigint[];
  readonly scores: readonly (readonly number[])[];
}

/** @param count of the scores in one proof; @param cache a folder that outlives the process */
export async function compileModelCircuit(
  model: IntegerModel,
  { count, cache }: { readonly count: number; readonly cache: string },
): Promise<Circuit> {
  return await compileNoir(modelCircuitSource(model, count), cache);
}

/** Of the model's shape alone: another model of the shape has the same verifier. */
export function modelCircuitSource(model: IntegerModel, count: number): CircuitSource {
  return {
    name: `model-${model.kind}-${count}`,
    main: model.kind === "trees" ? treesMain(model, count) : layersMain(model, count),
    libraries: { ledger: join(CIRCUITS, "ledger"), model: join(CIRCUITS, "model") },
    // The features are nobody's business, nor are the numbers of a model with a salt.
    flavour: "evm",
  };
}

/**
 * The statement of as many inputs as the circuit has scores, and its witness.
 *
 * @throws {InputError} INPUT_INVALID for features that the model does not take
 */
export function modelCircuitInput(
  model: IntegerModel,
  salt: bigint,
  secrets: readonly SecretFeatures[],
): { readonly statement: ScoreStatement; readonly input: CircuitInput } {
  const statement = {
    model: commitModel(model, salt),
    inputs: secrets.map(({ features, salt: own }) => commitFeatures(features, own)),
    scores: secrets.map(({ features }) => scoreModel(model, features)),
  };
  return { statement, input: witnessInput(model, salt, { secrets, statement }) };
}

/** Checks nothing: tests forge with it. */
export function witnessInput(
  model: IntegerModel,
  salt: bigint,
  { secrets, statement }: { readonly secrets: readonly SecretFeatures[]; readonly statement: ScoreStatement },
): CircuitInput {
  return {
    model: hex(statement.model),
    inputs: statement.inputs.map(hex),
    scores: statement.scores.map((scores) => scores.map(number)),
    salt: hex(salt),
    salts: secrets.map((secret) => hex(secret.salt)),
    features: secrets.map(({ features }) => features.map(number)),
    ...numbersOf(model),
  };
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;
const number = (value: number): string => hex(toElement(value));

function numbersOf(model: IntegerModel): CircuitInput {
  if (model.kind === "trees") return { base: model.base.map(number), nodes: treeElements(model).map(hex) };
  const numbers: Record<string, CircuitValue> = {};
  for (const [index, { rows }] of model.layers.entries()) {
    numbers[`biases_${index}`] = rows.map(({ bias }) => number(bias));
    numbers[`weights_${index}`] = rows.map(({ weights }) => weights.map(number));
  }
  return numbers;
}

interface Body {
  readonly uses: string;
  /** Parameters of `main` that are the model's numbers. */
  readonly numbers: readonly string[];
  readonly digests: readonly string[];
  /** Statements that leave the scores of `x` in `said`. */
  readonly score: readonly string[];
}

function mainOf(model: IntegerModel, count: number, { uses, numbers, digests, score }: Body): string {
  const terms = modelTerms(model).join(", ");
  return `use adyton_model::{commit_input, commit_model, ${uses}};

fn main(
    model: pub Field,
    inputs: pub [Field; ${count}],
    scores: pub [[Field; ${model.outputs}]; ${count}],
    salt: Field,
    salts: [Field; ${count}],
    features: [[Field; ${model.features}]; ${count}],
${numbers.map((line) => `    ${line},\n`).join("")}) {
    let digests = [${digests.join(", ")}];
    assert(commit_model([${terms}], salt, digests) == model, "another model");
    for n in 0..${count} {
        let x = features[n];
        assert(commit_input(x, ${model.featureLimit}, salts[n]) == inputs[n], "another input");
${score.map((line) => `        ${line}\n`).join("")}        assert(said == scores[n], "another score");
    }
}
`;
}

function layersMain(model: IntegerModel & { kind: "layers" }, count: number): string {
  const { layers } = model;
  const width = (index: number): number => layers[index]?.rows.length ?? 0;
  const inputs = (index: number): number => (index === 0 ? model.features : width(index - 1));
  return mainOf(model, count, {
    uses: "layers",
    numbers: layers.flatMap((_, index) => [
      `biases_${index}: [Field; ${width(index)}]`,
      `weights_${index}: [[Field; ${inputs(index)}]; ${width(index)}]`,
    ]),
    digests: layers.map((_, index) => `layers::digest(biases_${index}, weights_${index})`),
    score: layers.map(({ shift }, index) => {
      const sums = `layers::sums(biases_${index}, weights_${index}, x)`;
      return shift === null
        ? `let said = ${sums};`
        : `let x = layers::relu::<${shift}, ${SUM_BITS - shift}, ${width(index)}>(${sums});`;
    }),
  });
}

function treesMain(model: IntegerModel & { kind: "trees" }, count: number): string {
  const nodes = model.trees.reduce((sum, tree) => sum + tree.nodes.length, 0);
  let root = 0;
  const walks = model.trees.map((tree) => {
    const walk = `trees::walk::<${model.features}, ${nodes}, ${depthOf(tree)}>(nodes, x, ${root})`;
    root += tree.nodes.length;
    return `said[${tree.output}] += ${walk};`;
  });
  return mainOf(model, count, {
    uses: "trees",
    numbers: [`base: [Field; ${model.outputs}]`, `nodes: [Field; ${nodes}]`],
    digests: ["trees::digest(base, nodes)"],
    score: ["let mut said = base;", ...walks],
  });
}

/** Steps from the root to the deepest leaf. */
function depthOf({ nodes }: Tree): number {
  const depths = new Array<number>(nodes.length).fill(0);
  // Branches come later than their node.
  for (const [index, node] of nodes.entries()) {
    if ("leaf" in node) continue;
    for (const branch of [node.left, node.right]) depths[branch] = (depths[index] ?? 0) + 1;
  }
  return Math.max(...depths);
}
