/**
 * `adyton/attestation`: verify evidence of trusted execution environments. Bytes, endorsements and a time in, a typed result or
 * error out; nothing here opens a file or a socket, or reads a clock.
 *
 * The names are a promise, compared with docs/reference/api-baseline.json. Receipts load with the first one that is judged; their
 * COSE twin and the log have entries of their own, `adyton/attestation/cose-receipt` and `adyton/attestation/receipt-log`.
 */

// What a file is: one verdict, as the command line and the page show it.
export { judgeEvidence, type JudgedEvidence } from "./verdict/judge-evidence.ts";
export type { ChosenPolicy, JudgeOptions } from "./verdict/judge-piece.ts";
export { judgeCoseReceipt, judgeReceipt, verifyReceipt } from "./receipt/on-demand.ts";
export type { JudgeCoseReceiptOptions } from "./verdict/judge-cose-receipt.ts";
export type { FurtherCheck, JudgeReceiptOptions } from "./verdict/judge-receipt.ts";
export type { PieceVerdict, Verdict, VerdictCheck } from "./verdict/verdict.ts";
export type { VerifiedReceipt } from "./receipt/verify-receipt.ts";

// Is it genuine?
export { verifyEvidence } from "./evidence/verify-evidence.ts";
export { verifyMany, type VerifyManyOptions } from "./many/verify-many.ts";
export type { ManyResult } from "./many/verify-batch.ts";
export { verifyRaTlsCertificate, type VerifiedRaTlsCertificate } from "./ra-tls/verify-ra-tls.ts";
export { findEvidence, type FoundEvidence } from "./evidence/find-evidence.ts";
export { openEvidence, type RecognisedEvidence, type VerifyOptions } from "./evidence/recognise-evidence.ts";
export type { Check, ClaimsByKind, EvidenceKind, VerifiedEvidence } from "./evidence/verified-evidence.ts";
export type { TcbStatus } from "./intel/claims.ts";
export type { TimeWindow, UnixSeconds } from "./time/unix-time.ts";

// What vendors say about their platforms.
export { encodeEndorsements, parseEndorsements } from "./endorsements/endorsements-json.ts";
export type { Endorsements } from "./endorsements/endorsements.ts";
export { parseAmdEndorsements } from "./amd/amd-endorsements.ts";
export { parseIntelEndorsements } from "./intel/intel-endorsements.ts";

// Is it what you meant?
export { appraiseEvidence, type AppraisedEvidence, type AppraiseOptions } from "./policy/appraise.ts";
export { checkReportData } from "./policy/check-report-data.ts";
export { explainPolicy } from "./policy/explain.ts";
export type { AppraisalPolicy } from "./policy/policy.ts";
export { parseAppraisalPolicy, parsePolicyFile, POLICY_SCHEMA_URL } from "./policy/policy-file.ts";
export { openRules, proposePolicy } from "./policy/propose.ts";
export { toEar, toUnappraisedEar, type Ear } from "./verdict/ear.ts";

// What evidence is about: logs of what was measured, GPUs bound to a quote, certificates that carry evidence.
export { parseCcel } from "./eventlog/ccel.ts";
export { checkReplay, replayRtmrs } from "./eventlog/rtmr.ts";
export { checkGpuBinding, findGpuBinding, toGpuNonce, type GpuBinding } from "./nvidia/gpu-binding.ts";
export { encodeEndorsementExtension, encodeEvidenceExtension } from "./ra-tls/evidence-extension.ts";
