/** Verify evidence of trusted execution environments: bytes, endorsements and a time in, a typed result or error out. */

export {
  parseAmdCertificateTable,
  parseAmdEndorsements,
  type AmdEndorsementFiles,
  type AmdEndorsements,
} from "./amd/amd-endorsements.ts";
export type { SnpClaims } from "./amd/claims.ts";
export type { SnpTcb } from "./amd/tcb-version.ts";
export { verifySnpEvidence } from "./amd/verify-snp-evidence.ts";
export { verifySnpReport } from "./amd/verify-snp-report.ts";
export type { NitroClaims } from "./aws/claims.ts";
export { verifyNitroDocument, verifyNitroTpmDocument } from "./aws/verify-nitro-document.ts";
export type { AzureSnpClaims, AzureTdxClaims, VtpmClaims } from "./azure/claims.ts";
export { verifyAzureSnpEvidence, verifyAzureTdxEvidence } from "./azure/verify-azure-evidence.ts";
export type { DstackAppInfo } from "./dstack/app-info.ts";
export type { DstackClaims } from "./dstack/claims.ts";
export {
  checkSameStatement,
  isCoseReceipt,
  parseCoseReceipt,
  verifyCoseReceipt,
  type CoseReceipt,
  type VerifiedCoseReceipt,
} from "./receipt/cose-receipt.ts";
export { parseDstackEventLog } from "./dstack/event-log.ts";
export { verifyDstackEvidence } from "./dstack/verify-dstack-evidence.ts";
export { parseCcel, type CcelEvent } from "./eventlog/ccel.ts";
export { checkReplay, replayRtmrs } from "./eventlog/rtmr.ts";
export { findEvidence, type EvidenceForm, type FoundEvidence } from "./evidence/find-evidence.ts";
export {
  openEvidence,
  recogniseEvidence,
  type RecognisedEvidence,
  type VerifyOptions,
} from "./evidence/recognise-evidence.ts";
export { verifyEvidence } from "./evidence/verify-evidence.ts";
export type { Endorsements } from "./endorsements/endorsements.ts";
export {
  parseIntelEndorsements,
  type IntelCollateral,
  type IntelEndorsements,
} from "./intel/intel-endorsements.ts";
export { toEar, toUnappraisedEar, type Ear, type EarOptions, type EarStatus } from "./verdict/ear.ts";
export type { SgxClaims, TcbStatus, TdxClaims } from "./intel/claims.ts";
export { splitSignedResponse } from "./intel/signed-json.ts";
export { verifySgxQuote } from "./intel/verify-sgx.ts";
export { verifyTdxQuote } from "./intel/verify-tdx.ts";
export type { NvidiaClaims, NvidiaDeviceClaims } from "./nvidia/claims.ts";
export { checkGpuBinding, findGpuBinding, toGpuNonce, type GpuBinding } from "./nvidia/gpu-binding.ts";
export { verifyNvidiaEvidence } from "./nvidia/verify-nvidia-evidence.ts";
export { appraiseEvidence, type AppraisedEvidence, type AppraiseOptions } from "./policy/appraise.ts";
export { checkReportData } from "./policy/check-report-data.ts";
export { explainPolicy } from "./policy/explain.ts";
export { appraisalPolicySchema, type AppraisalPolicy } from "./policy/policy.ts";
export { parseAppraisalPolicy, parsePolicyFile, POLICY_SCHEMA_URL } from "./policy/policy-file.ts";
export { openRules, proposePolicy } from "./policy/propose.ts";
export type { RaTlsFormat } from "./ra-tls/certificate-evidence.ts";
export { encodeEndorsementExtension, encodeEvidenceExtension } from "./ra-tls/evidence-extension.ts";
export { verifyRaTlsCertificate, type VerifiedRaTlsCertificate } from "./ra-tls/verify-ra-tls.ts";
export {
  verifyCheckpoint,
  verifyConsistency,
  verifyInclusion,
  type VerifiedCheckpoint,
  type VerifiedInclusion,
} from "./receipt/receipt-log.ts";
export { verifyReceipt, type ReceiptCheck, type VerifiedReceipt } from "./receipt/verify-receipt.ts";
export { encodeEndorsements, parseEndorsements } from "./endorsements/endorsements-json.ts";
export { verifySimulatorEvidence } from "./simulator/verify-simulator.ts";
export type { TimeWindow, UnixSeconds } from "./time/unix-time.ts";
export type {
  Check,
  ClaimsByKind,
  EvidenceKind,
  Findings,
  VerifiedEvidence,
} from "./evidence/verified-evidence.ts";
export { judgeEvidence, type JudgedEvidence } from "./verdict/judge-evidence.ts";
export type { ChosenPolicy, JudgeOptions } from "./verdict/judge-piece.ts";
export { judgeReceipt, type FurtherCheck, type JudgeReceiptOptions } from "./verdict/judge-receipt.ts";
export type { PieceVerdict, Verdict, VerdictCheck } from "./verdict/verdict.ts";
export { judgeCoseReceipt, type JudgeCoseReceiptOptions } from "./verdict/judge-cose-receipt.ts";
