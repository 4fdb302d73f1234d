import * as z from "zod";
import { decodeBase64Text } from "./encoded-text.ts";

/** Text of a JSON member to the bytes that it is the base64 of, in either alphabet; none where it is empty. */
export function fromBase64Field(text: string, context: z.RefinementCtx): Uint8Array<ArrayBuffer> {
  const bytes = text === "" ? new Uint8Array() : decodeBase64Text(text);
  if (bytes !== undefined) return bytes;
  context.addIssue({ code: "custom", message: "expected base64" });
  return z.NEVER;
}
