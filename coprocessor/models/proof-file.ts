/** What `adyton model prove` is given, and what it writes: JSON, elements as words of lower-case hex. */

import * as z from "zod";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import { bytesHex } from "../../protocol/fields.ts";
import { uintWord } from "../../protocol/struct-hash.ts";
import { element } from "../epochs/elements.ts";

/** Features as real numbers, each with the salt of its commitment: kept by who has them, and given to the prover alone. */
export const InputsFile = z.strictObject({
  inputs: z.array(z.strictObject({ features: z.array(z.number()), salt: element })).min(1),
});

/** Scores as whole numbers, in their inputs' order. */
export const ScoreProofFile = z.strictObject({
  version: z.literal(1),
  model: element,
  inputs: z.array(element).min(1),
  scores: z.array(z.array(z.int())).min(1),
  proof: bytesHex,
});
export type ScoreProofFile = z.output<typeof ScoreProofFile>;

export const elementWord = (value: bigint): Hex => toHex(uintWord(value));
