import * as z from "zod";
import { fromUtf8, toUtf8 } from "../../protocol/bytes.ts";
import { parseJson, type Json } from "../../protocol/canonical-json.ts";
import { InputError, UpstreamError } from "../../protocol/errors.ts";
import type { ToolCall } from "./model-format.ts";

/**
 * Reads a provider's body by a schema of the parts that we use; parts unknown to us are ignored, since providers add
 * them at will.
 *
 * @throws {UpstreamError} MODEL_RESPONSE_MALFORMED
 */
export function parseBody<Schema extends z.ZodType>(schema: Schema, body: Uint8Array): z.output<Schema> {
  return readAs(schema, parseProviderJson(body));
}

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

/**
 * A byte order mark, which some gateways write, is no part of the JSON (RFC 8259 §8.1).
 *
 * @throws {UpstreamError} MODEL_RESPONSE_MALFORMED for bad UTF-8, for what is not JSON, or for nesting without end
 */
export function parseProviderJson(body: Uint8Array): Json {
  const isMarked = BYTE_ORDER_MARK.every((byte, at) => body[at] === byte);
  try {
    return parseJson(isMarked ? body.subarray(BYTE_ORDER_MARK.length) : body);
  } catch (cause) {
    throw malformed("the body is not JSON", cause);
  }
}

/** @throws {UpstreamError} MODEL_RESPONSE_MALFORMED */
export function readAs<Schema extends z.ZodType>(schema: Schema, json: Json): z.output<Schema> {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const field = result.error.issues[0]?.path.join(".") ?? "";
  throw malformed(`the body is not of the format: ${field}`, result.error);
}

export function malformed(message: string, cause?: unknown): UpstreamError {
  return new UpstreamError({ code: "MODEL_RESPONSE_MALFORMED", message, cause });
}

export function truncated(message: string): UpstreamError {
  return new UpstreamError({ code: "MODEL_RESPONSE_TRUNCATED", message });
}

/** Token counts as providers give them; null for what is no count. A reply is never lost for them. */
export const tokenCount = z.int().min(0).nullish().catch(null);

/** Any JSON, kept as it is. */
export const anyJson = z.unknown().transform((value) => value as Json);

/** The text that a JSON body is sent as. */
export function encodeBody(body: Json): Uint8Array {
  return toUtf8(JSON.stringify(body));
}

/** Arguments may be cut off by a token limit: such a call is handed back to nobody. */
export function parseJsonOr(text: string, otherwise: Json): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return otherwise;
  }
}

/** @throws {UpstreamError} MODEL_RESPONSE_MALFORMED */
export function decodeText(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw malformed("the body is not UTF-8", cause);
  }
}

/** The object that a tool is called with. @throws {InputError} INPUT_INVALID for arguments that are not a JSON object */
export function parseArguments(call: ToolCall): Json {
  const json = call.arguments === "" ? {} : parseJson(toUtf8(call.arguments));
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json;
  throw new InputError({
    code: "INPUT_INVALID",
    message: "the arguments of a tool call are not a JSON object",
  });
}
