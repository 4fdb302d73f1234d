import {
  type AdytonError,
  AppraisalError,
  ChainError,
  EndorsementError,
  EvidenceError,
  InputError,
  type InputErrorCode,
  QuorumError,
  UpstreamError,
} from "./errors.ts";

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

/** The HTTP status under which an error is told to a caller (docs/reference/protocol.md, Errors), by enclave and oracle alike. */
export function httpStatus(error: AdytonError): number {
  if (error instanceof InputError) return INPUT_STATUS[error.code];
  if (error instanceof EvidenceError) return 422;
  if (error instanceof AppraisalError) return 403;
  if (error instanceof EndorsementError || error instanceof QuorumError) return 503;
  if (error instanceof UpstreamError) return error.code === "MODEL_TIMEOUT" ? 504 : 502;
  if (error instanceof ChainError) return 502;
  return 500;
}
