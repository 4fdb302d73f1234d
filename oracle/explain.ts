import * as z from "zod";
import type { AdytonError } from "../protocol/errors.ts";

const MAX_CAUSE_CHARS = 200;

/** An error for whoever stands before a terminal: what failed, the file that it is about, and what was behind it. */
export function explain({ message, details, cause }: AdytonError): string {
  const { file } = details;
  const about = typeof file === "string" && !message.includes(file) ? ` (${file})` : "";
  const reasons = reasonsOf(cause).filter((reason) => !message.includes(reason));
  return [`${message}${about}`, ...new Set(reasons)].join(": ");
}

/** The innermost words of each: what is around them says that something failed, and they say why. */
function reasonsOf(cause: unknown): string[] {
  // What a schema has against a reply is long, and the message has said that it is of another form.
  if (!(cause instanceof Error) || cause instanceof z.ZodError) return [];
  if (cause instanceof AggregateError) return cause.errors.flatMap(reasonsOf);
  const inner = reasonsOf(cause.cause);
  return inner.length > 0 || cause.message === "" ? inner : [cause.message.slice(0, MAX_CAUSE_CHARS)];
}
