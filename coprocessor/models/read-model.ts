/** A trained model's file, as whole numbers. */

import { fromUtf8 } from "../../protocol/bytes.ts";
import { refused, type IntegerModel } from "./integer-model.ts";
import { quantiseLayers, quantiseTrees } from "./quantise.ts";
import { readLightgbmJson, readLightgbmText } from "./read-lightgbm.ts";
import { readOnnx } from "./read-onnx.ts";
import { readXgboost } from "./read-xgboost.ts";

export interface ModelTerms {
  /** A feature x is the whole number x · 2^featureBits. */
  readonly featureBits: number;
  /** Greatest magnitude of a feature: bounds the sums, and the error, of Gemm. */
  readonly range: number;
}

/** Finer features would leave no room in a float32. */
export const MAX_FEATURE_BITS = 20;

/** @throws {InputError} INPUT_INVALID, naming what is not served */
export function readModel(file: Uint8Array, { featureBits, range }: ModelTerms): IntegerModel {
  if (!Number.isInteger(featureBits) || featureBits < 0 || featureBits > MAX_FEATURE_BITS)
    throw refused(`features have 0 to ${MAX_FEATURE_BITS} bits after the point`);
  const text = toText(file);
  if (text === null) return quantiseLayers(readOnnx(file), featureBits, range);
  if (text.startsWith("tree\n")) return quantiseTrees(readLightgbmText(text), featureBits);
  const json = toJson(text);
  const read =
    typeof json === "object" && json !== null && "learner" in json ? readXgboost : readLightgbmJson;
  return quantiseTrees(read(json), featureBits);
}

/** null for a file of ONNX, which begins with a field's tag and no letter. */
function toText(file: Uint8Array): string | null {
  const first = file[0] ?? 0;
  return first === 0x7b || first === 0x74 ? fromUtf8(file) : null;
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refused(`the file is no model: neither ONNX, nor LightGBM's text, nor JSON (${String(cause)})`);
  }
}
