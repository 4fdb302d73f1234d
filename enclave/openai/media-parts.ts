/** Images and documents as the three APIs carry them, and what a user says with them. */

import * as z from "zod";
import { InputError } from "../../protocol/errors.ts";
import {
  DOCUMENT_TYPES,
  IMAGE_TYPES,
  MAX_MEDIA,
  readDataUrl,
  readMedia,
  type ContentPart,
  type Media,
} from "../../runtime/models/media.ts";
import type { ModelMessage } from "../../runtime/models/model-format.ts";

type Context = z.core.$RefinementCtx;

function readOr(context: Context, path: readonly string[], read: () => Media): Media {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    context.addIssue({ code: "custom", message: error.message, path: [...path] });
    return z.NEVER;
  }
}

/** OpenAI's two APIs: `data:image/png;base64,…`. */
export const imageUrl = z
  .string()
  .transform((url, context) => readOr(context, [], () => readDataUrl(url, IMAGE_TYPES)));
export const fileUrl = z
  .string()
  .transform((url, context) => readOr(context, [], () => readDataUrl(url, DOCUMENT_TYPES)));

/** Anthropic's: the type beside the bytes. */
const source = (accepted: typeof IMAGE_TYPES | typeof DOCUMENT_TYPES) =>
  z
    .strictObject({ type: z.literal("base64"), media_type: z.string(), data: z.string() })
    .transform(({ media_type: type, data }, context) =>
      readOr(context, ["data"], () => readMedia(type, data, accepted)),
    );
export const imageSource = source(IMAGE_TYPES);
export const documentSource = source(DOCUMENT_TYPES);

/** A model's own choice of how closely to look, which all of OpenAI's take. */
export const autoDetail = z.literal("auto").optional();

/** Characters of a file's name. */
export const fileName = z.string().min(1).max(256).optional();

/**
 * What a user says in `parts`. Text alone is one text, as it always was; among images it keeps its place.
 *
 * @throws {InputError} INPUT_INVALID
 */
export function toUserMessage(parts: readonly ContentPart[], field: string): ModelMessage {
  const content = parts.map((part) => ("text" in part ? part.text : "")).join("");
  const media = parts.filter((part) => "media" in part).length;
  if (media === 0) return { role: "user", content };
  if (media <= MAX_MEDIA) return { role: "user", content, parts };
  throw new InputError({
    code: "INPUT_TOO_LARGE",
    message: `a message has at most ${MAX_MEDIA} images and documents`,
    details: { field },
  });
}
