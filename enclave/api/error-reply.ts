import type { ErrorRequestHandler } from "express";
import type { ErrorReply } from "../../protocol/enclave-api.ts";
import { AdytonError, InputError } from "../../protocol/errors.ts";
import { httpStatus } from "../../protocol/http-status.ts";

export function toErrorReply(error: AdytonError): ErrorReply {
  const { code, message, details, retryable } = error;
  return { error: { code, message, details, retryable } };
}

/** The error that express throws for a path that it cannot read. */
function toInputError(error: unknown): AdytonError | null {
  if (error instanceof AdytonError) return error;
  if (!(error instanceof Error) || !("status" in error) || typeof error.status !== "number") return null;
  if (error.status < 400 || error.status >= 500) return null;
  return new InputError({ code: "INPUT_INVALID", message: "the call cannot be read", cause: error });
}

/** The one place where errors become replies. Anything that is not ours is a bug: reported, and not told to the caller. */
export function errorHandler(reportBug: (error: unknown) => void): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const known = toInputError(error);
    if (known === null) {
      reportBug(error);
      response.status(500).json({
        error: {
          code: "INTERNAL",
          message: "the enclave failed; this is a bug",
          details: {},
          retryable: true,
        },
      });
      return;
    }
    const status = httpStatus(known);
    if (status === 429) response.set("retry-after", "1");
    response.status(status).json(toErrorReply(known));
  };
}
