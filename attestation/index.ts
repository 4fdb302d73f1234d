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
export { verifyNitroDocument } from "./aws/verify-nitro-document.ts";
export { recogniseEvidence, verifyEvidence, type VerifyOptions } from "./evidence.ts";
export type { Endorsements } from "./endorsements.ts";
export {
  parseIntelEndorsements,
  type IntelCollateral,
  type IntelEndorsements,
} from "./intel/intel-endorsements.ts";
export type { SgxClaims, TcbStatus, TdxClaims } from "./intel/claims.ts";
export { verifySgxQuote } from "./intel/verify-sgx.ts";
export { verifyTdxQuote } from "./intel/verify-tdx.ts";
export type { NvidiaClaims, NvidiaDeviceClaims } from "./nvidia/claims.ts";
export { checkGpuBinding, toGpuNonce } from "./nvidia/gpu-binding.ts";
export { verifyNvidiaEvidence } from "./nvidia/verify-nvidia-evidence.ts";
export { verifySimulatorEvidence } from "./simulator/verify-simulator.ts";
export type { TimeWindow, UnixSeconds } from "./unix-time.ts";
export type { Check, ClaimsByKind, EvidenceKind, Findings, VerifiedEvidence } from "./verified-evidence.ts";
