import type { ErrorRequestHandler } from "express";
import { AdytonError, InputError } from "../../protocol/errors.ts";
import type { InputErrorCode } from "../../protocol/errors.ts";
import type { Logger } from "../log.ts";

const INPUT_STATUS: Readonly<Record<InputErrorCode, number>> = {
  INPUT_INVALID: 400,
  INPUT_UNAUTHORIZED: 401,
  INPUT_FEE_TOO_LOW: 402,
  INPUT_CAP_REACHED: 402,
  INPUT_NOT_FOUND: 404,
  INPUT_NOT_RECIPIENT: 409,
  INPUT_CONFLICT: 409,
  INPUT_EXPIRED: 410,
  INPUT_TOO_LARGE: 413,
  INPUT_RATE_LIMITED: 429,
};

/** What express and its body parser throw for a body that is too large, cut short, or not JSON. */
function toAdytonError(error: unknown): AdytonError | undefined {
  if (error instanceof AdytonError) return error;
  if (!(error instanceof Error) || !("status" in error) || typeof error.status !== "number") return undefined;
  if (error.status < 400 || error.status >= 500) return undefined;
  return error.status === 413
    ? new InputError({ code: "INPUT_TOO_LARGE", message: "the body is too large", cause: error })
    : new InputError({ code: "INPUT_INVALID", message: "the call cannot be read", cause: error });
}

/** docs/reference/protocol.md, Errors. What is not an `AdytonError` is a bug: 500, and no details to the caller. */
export function errorHandler(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const known = toAdytonError(error);
    if (known !== undefined) {
      const { code, message, details, retryable } = known;
      const status = known instanceof InputError ? INPUT_STATUS[known.code] : 503;
      response.status(status).json({ error: { code, message, details, retryable } });
      return;
    }
    log.error("http.failed", { path: request.path, error });
    response
      .status(500)
      .json({ error: { code: "INTERNAL", message: "internal error", details: {}, retryable: false } });
  };
}
