import { z } from "zod";
import { parseJson } from "../../protocol/canonical-json.ts";
import { UpstreamError } from "../../protocol/errors.ts";

/**
 * Reads a provider's body by a schema of the parts that we use; parts unknown to us are ignored, since providers add
 * them at will.
 *
 * @throws {UpstreamError} MODEL_RESPONSE_MALFORMED
 */
export function parseBody<Schema extends z.ZodType>(schema: Schema, body: Uint8Array): z.output<Schema> {
  let json: unknown;
  try {
    json = parseJson(body);
  } catch (cause) {
    throw malformed("the body is not JSON", cause);
  }
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

/** Token counts as providers give them. */
export const tokenCount = z.int().min(0);
