/** What the page of `adyton up` sends for a question, as the prompt that goes on chain. */

import * as z from "zod";
import type { NetworkFile } from "../../devnet/network-file.ts";
import { fromBase64 } from "../../protocol/base64.ts";
import { MAX_PART_TEXT_BYTES, MAX_PARTS } from "../../protocol/limits.ts";
import { parseOutputType } from "../../protocol/output-type.ts";
import type { Prompt } from "../../protocol/prompt.ts";
import { MAX_FILE_BYTES } from "../../runtime/models/media.ts";
import { readPage, readPicked } from "../ask/named-parts.ts";
import { toPrompt } from "../ask/question.ts";

const Question = z.strictObject({
  question: z.string().trim().min(1).max(4_000),
  model: z.string().max(128),
  returns: z.string().max(2_048),
  pages: z.array(z.string().max(MAX_PART_TEXT_BYTES)).max(MAX_PARTS).default([]),
  /** Images and documents that the browser read, in base64. */
  files: z
    .array(z.strictObject({ name: z.string().max(256), base64: z.string() }))
    .max(MAX_PARTS)
    .default([]),
});

/** Bytes of a question with everything around it: as many files as a prompt may have, four characters for each three bytes. */
export const MAX_BODY: number = 131_072 + Math.ceil(MAX_FILE_BYTES / 3) * 4;

/**
 * Files are put where the network serves them to its enclave.
 *
 * @param json of a browser
 * @throws {z.ZodError} for another form
 * @throws {InputError} for what no enclave would take: before anything is paid
 */
export function readQuestion(
  json: unknown,
  network: Pick<NetworkFile, "model" | "models" | "files">,
): Prompt {
  const { question, model, returns, pages, files } = Question.parse(json);
  if (returns !== "") parseOutputType(returns);
  const named = pages.map((url) => readPage("the page", url));
  const picked = files.map(({ name, base64 }) => ({ name, bytes: fromBase64(base64) }));
  return toPrompt({
    question,
    models: [network.models.includes(model) ? model : network.model],
    outputType: returns === "" ? null : returns,
    parts: [...named, ...readPicked(picked, network.files)].map(({ part }) => part),
  });
}
