import {
  EndorsementError,
  EvidenceError,
  type EndorsementErrorCode,
  type EvidenceErrorCode,
} from "../../protocol/errors.ts";

/** The same fault has another meaning in an endorsement: we cannot judge with it, which says nothing about the evidence. */
const AS_ENDORSEMENT: Readonly<Record<EvidenceErrorCode, EndorsementErrorCode>> = {
  EVIDENCE_MALFORMED: "ENDORSEMENT_MALFORMED",
  EVIDENCE_UNSUPPORTED: "ENDORSEMENT_MALFORMED",
  EVIDENCE_SIGNATURE_INVALID: "ENDORSEMENT_SIGNATURE_INVALID",
  EVIDENCE_CHAIN_INVALID: "ENDORSEMENT_CHAIN_INVALID",
  EVIDENCE_CHAIN_UNTRUSTED: "ENDORSEMENT_CHAIN_INVALID",
  EVIDENCE_CHAIN_EXPIRED: "ENDORSEMENT_EXPIRED",
  EVIDENCE_CHAIN_NOT_YET_VALID: "ENDORSEMENT_NOT_YET_VALID",
  EVIDENCE_CHAIN_NOT_CA: "ENDORSEMENT_CHAIN_INVALID",
  EVIDENCE_CHAIN_PATH_LENGTH: "ENDORSEMENT_CHAIN_INVALID",
  EVIDENCE_CHAIN_KEY_USAGE: "ENDORSEMENT_CHAIN_INVALID",
  EVIDENCE_CHAIN_CRITICAL_EXTENSION: "ENDORSEMENT_CHAIN_INVALID",
  EVIDENCE_REVOKED: "ENDORSEMENT_REVOKED",
  EVIDENCE_CA_REVOKED: "ENDORSEMENT_REVOKED",
  EVIDENCE_BINDING_MISMATCH: "ENDORSEMENT_MISMATCH",
  EVIDENCE_PLATFORM_MISMATCH: "ENDORSEMENT_MISMATCH",
  EVIDENCE_TCB_MISMATCH: "ENDORSEMENT_MISMATCH",
  EVIDENCE_NOT_YET_VALID: "ENDORSEMENT_NOT_YET_VALID",
  EVIDENCE_STALE: "ENDORSEMENT_EXPIRED",
};

function translate(what: string, error: unknown): unknown {
  if (!(error instanceof EvidenceError)) return error;
  return new EndorsementError({
    code: AS_ENDORSEMENT[error.code],
    message: `${what}: ${error.message}`,
    details: { ...error.details, endorsement: what },
    cause: error,
  });
}

/**
 * Runs `work` on an endorsement with the parsers and path rules that serve evidence, and gives what they throw its
 * meaning there: EvidenceError becomes EndorsementError, everything else passes.
 */
export function asEndorsement<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translate(what, error);
  }
}

/** `asEndorsement` for work that is not done at once. */
export async function asEndorsementAsync<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translate(what, error);
  }
}
