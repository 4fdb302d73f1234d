/** What the commands of a model have in common: the file in whole numbers, and lists of features. */

import * as z from "zod";
import type { IntegerModel } from "../../coprocessor/models/integer-model.ts";
import { readModel, type ModelTerms } from "../../coprocessor/models/read-model.ts";
import { InputError } from "../../protocol/errors.ts";
import { readInput } from "../input-file.ts";

export function readModelFile(file: string, terms: ModelTerms): IntegerModel {
  return readModel(readInput(file), terms);
}

export function parseFeatures(text: string): readonly number[] {
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
