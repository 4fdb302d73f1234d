import { z } from "zod";
import { fromUtf8 } from "../../protocol/bytes.ts";
import { UpstreamError } from "../../protocol/errors.ts";

/**
 * Reads a provider's JSON by a schema of the parts that we use; parts unknown to us are ignored, since providers add
 * them at will.
 *
 * @throws {UpstreamError} MODEL_RESPONSE_MALFORMED; MODEL_HTTP_ERROR when it is an error in the place of an answer
 */
export function parseBody<Schema extends z.ZodType>(schema: Schema, body: Uint8Array): z.output<Schema> {
  let text: string;
  try {
    text = fromUtf8(body);
  } catch (cause) {
    throw malformed("the body is not UTF-8", cause);
  }
  return parseText(schema, text);
}

/** `parseBody` for text: one event of a stream. */
export function parseText<Schema extends z.ZodType>(schema: Schema, text: string): z.output<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw malformed("the body is not JSON", cause);
  }
  const error = ErrorBody.safeParse(json);
  if (error.success) throw providerError(error.data.error);
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw malformed(
    `the body is not of the format: ${result.error.issues[0]?.path.join(".") ?? ""}`,
    result.error,
  );
}

export function malformed(message: string, cause?: unknown): UpstreamError {
  return new UpstreamError({ code: "MODEL_RESPONSE_MALFORMED", message, cause });
}

export function truncated(): UpstreamError {
  return new UpstreamError({
    code: "MODEL_RESPONSE_TRUNCATED",
    message: "the stream ended before the answer did",
  });
}

/** The form that all four vendors give errors: an object under `error`. Its message may quote a prompt and is dropped. */
export const ErrorBody = z.object({
  error: z.object({
    type: z.string().max(128).nullish(),
    code: z.union([z.string().max(128), z.number()]).nullish(),
    status: z.string().max(128).nullish(),
  }),
});

export function providerError(error: z.output<typeof ErrorBody>["error"], status?: number): UpstreamError {
  const kind = error.code ?? error.type ?? error.status ?? null;
  return new UpstreamError({
    code: status === 429 ? "MODEL_RATE_LIMITED" : "MODEL_HTTP_ERROR",
    message: "the provider answered with an error",
    details: { status: status ?? null, kind },
  });
}

/** Token counts as providers give them. */
export const tokenCount = z.int().min(0);
