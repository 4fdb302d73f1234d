/** Verify evidence of trusted execution environments: bytes, endorsements and a time in, a typed result or error out. */

export { recogniseEvidence, verifyEvidence, type VerifyOptions } from "./evidence.ts";
export type { Endorsements } from "./endorsements.ts";
export {
  parseIntelEndorsements,
  type IntelCollateral,
  type IntelEndorsements,
} from "./intel/intel-endorsements.ts";
export type { SgxClaims, TcbStatus, TdxClaims } from "./intel/claims.ts";
export { splitSignedResponse } from "./intel/signed-json.ts";
export { verifySgxQuote } from "./intel/verify-sgx.ts";
export { verifyTdxQuote } from "./intel/verify-tdx.ts";
export { appraiseEvidence, type AppraisedEvidence, type AppraiseOptions } from "./policy/appraise.ts";
export { checkReportData } from "./policy/check-report-data.ts";
export { appraisalPolicySchema, parseAppraisalPolicy, type AppraisalPolicy } from "./policy/policy.ts";
export { proposePolicy } from "./policy/propose.ts";
export { verifySimulatorEvidence } from "./simulator/verify-simulator.ts";
export type { TimeWindow, UnixSeconds } from "./unix-time.ts";
export type { Check, ClaimsByKind, EvidenceKind, Findings, VerifiedEvidence } from "./verified-evidence.ts";
