import type { ErrorRequestHandler } from "express";
import { AdytonError, InputError } from "../../protocol/errors.ts";
import { httpStatus } from "../../protocol/http-status.ts";
import type { Logger } from "../log.ts";

/** The errors of express and its body parser for a body that is too large, cut short, or not JSON. */
function toAdytonError(error: unknown): AdytonError | undefined {
  if (error instanceof AdytonError) return error;
  if (!(error instanceof Error) || !("status" in error) || typeof error.status !== "number") return undefined;
  if (error.status < 400 || error.status >= 500) return undefined;
  return error.status === 413
    ? new InputError({ code: "INPUT_TOO_LARGE", message: "the body is too large", cause: error })
    : new InputError({ code: "INPUT_INVALID", message: "the call cannot be read", cause: error });
}

/** docs/reference/protocol.md, Errors. Anything but an `AdytonError` is a bug: 500, and no details to the caller. */
export function errorHandler(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const known = toAdytonError(error);
    if (known !== undefined) {
      const { code, message, details, retryable } = known;
      response.status(httpStatus(known)).json({ error: { code, message, details, retryable } });
      return;
    }
    log.error("http.failed", { path: request.path, error });
    response
      .status(500)
      .json({ error: { code: "INTERNAL", message: "internal error", details: {}, retryable: false } });
  };
}
