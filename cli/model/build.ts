import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeModel } from "../../coprocessor/models/encode-model.ts";
import { scoreModel, toFeatures, toReal } from "../../coprocessor/models/integer-model.ts";
import type { ModelTerms } from "../../coprocessor/models/read-model.ts";
import { writeSolidity } from "../../coprocessor/models/write-solidity.ts";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { parseFeatures, readModelFile } from "./read-terms.ts";

/** Writes the contract, and what is needed to deploy it. */
export function build(
  file: string,
  options: ModelTerms & { readonly name: string; readonly out: string },
): string {
  const model = readModelFile(file, options);
  const { name, source, data, modelHash } = writeSolidity(model, options.name);
  const { kind, features, outputs, featureBits, featureLimit, scoreBits, maxError } = model;
  createFolder(options.out);
  writeFileSync(join(options.out, `${name}.sol`), source);
  const terms = { kind, features, outputs, featureBits, featureLimit, scoreBits, maxError };
  writeFileSync(
    join(options.out, `${name}.json`),
    `${JSON.stringify({ version: 1, name, modelHash, ...terms, data }, null, 2)}\n`,
  );
  return [
    `${name}: ${kind}, ${features} features, ${outputs} scores, ${encodeModel(model).length} bytes in ${data.length} contracts of data`,
    `model hash ${modelHash}`,
    `features: x * 2^${featureBits}, up to ${featureLimit}; scores: s * 2^${scoreBits}, at most ${maxError.toExponential(2)} from the file's`,
    `Deploy each of "data" in ${name}.json in order, then ${name} with their addresses.`,
  ].join("\n");
}

export interface Scores {
  readonly features: readonly number[];
  readonly scores: readonly number[];
  readonly real: readonly number[];
}

export function run(file: string, options: ModelTerms & { readonly features: string }): Scores {
  const model = readModelFile(file, options);
  const features = toFeatures(model, parseFeatures(options.features));
  const scores = scoreModel(model, features);
  return { features, scores, real: scores.map((score) => toReal(model, score)) };
}
