import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { encodeModel } from "../../coprocessor/models/encode-model.ts";
import { scoreModel, toFeatures, toReal, type IntegerModel } from "../../coprocessor/models/integer-model.ts";
import { readModel, type ModelTerms } from "../../coprocessor/models/read-model.ts";
import { writeSolidity } from "../../coprocessor/models/write-solidity.ts";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { InputError } from "../../protocol/errors.ts";
import { readInput } from "../input-file.ts";

/** Writes the contract, and what is needed to deploy it. */
export function build(
  file: string,
  options: ModelTerms & { readonly name: string; readonly out: string },
): string {
  const model = read(file, options);
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
  const model = read(file, options);
  const features = toFeatures(model, parseFeatures(options.features));
  const scores = scoreModel(model, features);
  return { features, scores, real: scores.map((score) => toReal(model, score)) };
}

function read(file: string, terms: ModelTerms): IntegerModel {
  return readModel(readInput(file), terms);
}

function parseFeatures(text: string): readonly number[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = null;
  }
  const parsed = z.array(z.number()).safeParse(json);
  if (parsed.success) return parsed.data;
  throw new InputError({
    code: "INPUT_INVALID",
    message: "--features wants a JSON list of numbers, such as [0.5, -1]",
  });
}
