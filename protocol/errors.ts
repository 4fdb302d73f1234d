/**
 * Every error that Adyton throws on purpose. The code is the interface (add, never rename); the message is for
 * people and may change. Anything thrown that is not an `AdytonError` is a bug.
 *
 * "Unavailable" (EndorsementError) never becomes "skip the check".
 */

export type ConfigErrorCode =
  "CONFIG_INVALID" | "CONFIG_SIMULATOR_IN_PRODUCTION" | "CONFIG_ENVIRONMENT_UNSAFE" | "CONFIG_TOOL_MISSING";

export type InputErrorCode =
  | "INPUT_INVALID"
  | "INPUT_TOO_LARGE"
  | "INPUT_EXPIRED"
  | "INPUT_UNAUTHORIZED"
  | "INPUT_RATE_LIMITED"
  | "INPUT_FEE_TOO_LOW"
  | "INPUT_CAP_REACHED"
  | "INPUT_NOT_RECIPIENT"
  | "INPUT_CONFLICT"
  | "INPUT_NOT_FOUND";

export type EvidenceErrorCode =
  | "EVIDENCE_MALFORMED"
  | "EVIDENCE_UNSUPPORTED"
  | "EVIDENCE_SIGNATURE_INVALID"
  | "EVIDENCE_CHAIN_INVALID"
  | "EVIDENCE_CHAIN_UNTRUSTED"
  | "EVIDENCE_CHAIN_EXPIRED"
  | "EVIDENCE_CHAIN_NOT_YET_VALID"
  | "EVIDENCE_CHAIN_NOT_CA"
  | "EVIDENCE_CHAIN_PATH_LENGTH"
  | "EVIDENCE_CHAIN_KEY_USAGE"
  | "EVIDENCE_CHAIN_CRITICAL_EXTENSION"
  | "EVIDENCE_REVOKED"
  | "EVIDENCE_CA_REVOKED"
  | "EVIDENCE_BINDING_MISMATCH"
  | "EVIDENCE_PLATFORM_MISMATCH"
  | "EVIDENCE_TCB_MISMATCH"
  | "EVIDENCE_NOT_YET_VALID"
  | "EVIDENCE_STALE";

export type AppraisalErrorCode =
  | "APPRAISAL_DEBUG_ENABLED"
  | "APPRAISAL_DEBUG_UNKNOWN"
  | "APPRAISAL_MEASUREMENT_UNKNOWN"
  | "APPRAISAL_TCB_UNACCEPTABLE"
  | "APPRAISAL_ADVISORY_UNACCEPTABLE"
  | "APPRAISAL_PLATFORM_UNKNOWN"
  | "APPRAISAL_REPORT_DATA_MISMATCH"
  | "APPRAISAL_STALE"
  | "APPRAISAL_KIND_REFUSED"
  | "APPRAISAL_SIMULATED_REFUSED"
  | "APPRAISAL_ATTRIBUTE_UNACCEPTABLE";

export type EndorsementErrorCode =
  | "ENDORSEMENT_UNAVAILABLE"
  | "ENDORSEMENT_EXPIRED"
  | "ENDORSEMENT_NOT_YET_VALID"
  | "ENDORSEMENT_SIGNATURE_INVALID"
  | "ENDORSEMENT_CHAIN_INVALID"
  | "ENDORSEMENT_REVOKED"
  | "ENDORSEMENT_MALFORMED"
  | "ENDORSEMENT_MISMATCH";

export type UpstreamErrorCode =
  | "MODEL_TIMEOUT"
  | "MODEL_UNREACHABLE"
  | "MODEL_TLS_REFUSED"
  | "MODEL_NOT_ATTESTED"
  | "MODEL_ATTESTATION_UNAVAILABLE"
  | "MODEL_REDIRECTED"
  | "MODEL_HTTP_ERROR"
  | "MODEL_RATE_LIMITED"
  | "MODEL_REQUEST_REJECTED"
  | "MODEL_REFUSED"
  | "MODEL_RESPONSE_MALFORMED"
  | "MODEL_RESPONSE_TRUNCATED"
  | "MODEL_OUTPUT_INVALID"
  | "MODEL_OUTPUT_TOO_LARGE"
  | "ENCLAVE_UNAVAILABLE"
  | "ENCLAVE_TIME_OUTSIDE"
  | "ENCLAVE_REDIRECTED"
  | "ENCLAVE_REFUSED"
  | "ENCLAVE_REPLY_TRUNCATED"
  | "PAYLOAD_UNAVAILABLE"
  | "PEER_UNAVAILABLE"
  | "ARCHIVE_UNAVAILABLE"
  | "STORE_UNAVAILABLE";

export type QuorumErrorCode = "QUORUM_NOT_REACHED" | "QUORUM_CONFLICT";

export type ChainErrorCode =
  | "CHAIN_RPC_UNAVAILABLE"
  | "CHAIN_RPC_DISAGREEMENT"
  | "CHAIN_RPC_REFUSED"
  | "CHAIN_FINALITY_VIOLATED"
  | "CHAIN_REVERTED"
  | "CHAIN_REORGED"
  | "CHAIN_UNDERPRICED"
  | "CHAIN_FUNDS_LOW"
  | "CHAIN_SIGNER_UNAVAILABLE";

export type ProverErrorCode =
  "PROVER_FAILED" | "PROVER_OUT_OF_MEMORY" | "PROVER_SRS_TOO_SMALL" | "PROVER_SRS_UNKNOWN";

export type AdytonErrorCode =
  | ConfigErrorCode
  | InputErrorCode
  | EvidenceErrorCode
  | AppraisalErrorCode
  | EndorsementErrorCode
  | UpstreamErrorCode
  | QuorumErrorCode
  | ChainErrorCode
  | ProverErrorCode;

/** Flat and loggable: no secret, no prompt, no nested object. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>;

export interface AdytonErrorOptions<Code extends AdytonErrorCode> {
  readonly code: Code;
  /** For a person: what is wrong and what to do. */
  readonly message: string;
  readonly details?: ErrorDetails;
  readonly cause?: unknown;
}

export abstract class AdytonError<Code extends AdytonErrorCode = AdytonErrorCode> extends Error {
  readonly code: Code;
  readonly details: ErrorDetails;
  /** Whether the same call may succeed later with nothing changed by the caller. */
  abstract readonly retryable: boolean;

  constructor(options: AdytonErrorOptions<Code>) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
    this.details = options.details ?? {};
  }
}

/** Is the deployment right? Exit at start. */
export class ConfigError extends AdytonError<ConfigErrorCode> {
  readonly retryable = false;
}

/** Did the caller ask properly? Fix the call. */
export class InputError extends AdytonError<InputErrorCode> {
  get retryable(): boolean {
    return this.code === "INPUT_RATE_LIMITED";
  }
}

/** Is it genuine Evidence? Drop it; ask for new. */
export class EvidenceError extends AdytonError<EvidenceErrorCode> {
  readonly retryable = false;
}

/** It is genuine; is it acceptable? Talk to the policy owner. */
export class AppraisalError extends AdytonError<AppraisalErrorCode> {
  readonly retryable = false;
}

/** Can we judge now? Refuse meanwhile. */
export class EndorsementError extends AdytonError<EndorsementErrorCode> {
  get retryable(): boolean {
    return this.code === "ENDORSEMENT_UNAVAILABLE";
  }
}

const RETRYABLE_UPSTREAM: ReadonlySet<UpstreamErrorCode> = new Set<UpstreamErrorCode>([
  "MODEL_TIMEOUT",
  "MODEL_UNREACHABLE",
  "MODEL_ATTESTATION_UNAVAILABLE",
  "MODEL_HTTP_ERROR",
  "MODEL_RATE_LIMITED",
  "MODEL_RESPONSE_TRUNCATED",
  "ENCLAVE_UNAVAILABLE",
  "ENCLAVE_TIME_OUTSIDE",
  "PAYLOAD_UNAVAILABLE",
  "PEER_UNAVAILABLE",
  "ARCHIVE_UNAVAILABLE",
  "STORE_UNAVAILABLE",
]);

/** Did the model (or the enclave in front of it) answer? */
export class UpstreamError extends AdytonError<UpstreamErrorCode> {
  get retryable(): boolean {
    return RETRYABLE_UPSTREAM.has(this.code);
  }
}

/** Is there enough agreement? */
export class QuorumError extends AdytonError<QuorumErrorCode> {
  get retryable(): boolean {
    return this.code === "QUORUM_NOT_REACHED";
  }
}

const RETRYABLE_CHAIN: ReadonlySet<ChainErrorCode> = new Set<ChainErrorCode>([
  "CHAIN_RPC_UNAVAILABLE",
  "CHAIN_RPC_DISAGREEMENT",
  "CHAIN_RPC_REFUSED",
  "CHAIN_REORGED",
  "CHAIN_UNDERPRICED",
  "CHAIN_SIGNER_UNAVAILABLE",
]);

/** Did it land? */
export class ChainError extends AdytonError<ChainErrorCode> {
  get retryable(): boolean {
    return RETRYABLE_CHAIN.has(this.code);
  }
}

/** Did a proof come to be? The epoch stays open otherwise, and anybody may prove it. */
export class ProverError extends AdytonError<ProverErrorCode> {
  get retryable(): boolean {
    return !this.code.startsWith("PROVER_SRS_");
  }
}
