import type { ErrorRequestHandler } from "express";
import type { ErrorReply } from "../../protocol/enclave-api.ts";
import {
  AdytonError,
  AppraisalError,
  EndorsementError,
  EvidenceError,
  InputError,
  UpstreamError,
  type InputErrorCode,
} from "../../protocol/errors.ts";

const INPUT_STATUS: Readonly<Record<InputErrorCode, number>> = {
  INPUT_INVALID: 400,
  INPUT_UNAUTHORIZED: 401,
  INPUT_FEE_TOO_LOW: 402,
  INPUT_CAP_REACHED: 402,
  INPUT_NOT_FOUND: 404,
  INPUT_CONFLICT: 409,
  INPUT_NOT_RECIPIENT: 409,
  INPUT_EXPIRED: 410,
  INPUT_TOO_LARGE: 413,
  INPUT_RATE_LIMITED: 429,
};

/** The table of docs/reference/protocol.md, Errors. */
export function httpStatus(error: AdytonError): number {
  if (error instanceof InputError) return INPUT_STATUS[error.code];
  if (error instanceof EvidenceError) return 422;
  if (error instanceof AppraisalError) return 403;
  if (error instanceof EndorsementError) return 503;
  if (error instanceof UpstreamError) return error.code === "MODEL_TIMEOUT" ? 504 : 502;
  return 500;
}

export function toErrorReply(error: AdytonError): ErrorReply {
  const { code, message, details, retryable } = error;
  return { error: { code, message, details, retryable } };
}

/** What express throws for a path that it cannot read. */
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
