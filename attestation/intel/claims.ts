import type { Hex } from "../../protocol/bytes.ts";

/**
 * TCB status strings of Intel's PCS API, and two of Intel's QVL: `TDRelaunchAdvised*` (the platform is up to date and
 * the TD was measured by an older module). `NotSupported` is QVL's TCB_NOT_SUPPORTED: below every level that
 * Intel lists. `Revoked` and `NotSupported` can be accepted by no policy.
 */
export type TcbStatus =
  | "UpToDate"
  | "SWHardeningNeeded"
  | "ConfigurationNeeded"
  | "ConfigurationAndSWHardeningNeeded"
  | "TDRelaunchAdvised"
  | "TDRelaunchAdvisedConfigurationNeeded"
  | "OutOfDate"
  | "OutOfDateConfigurationNeeded"
  | "Revoked"
  | "NotSupported";

/** What the PCK certificate says about the platform (Intel SGX PCK Certificate and CRL Profile §1.3.5). */
export interface PckClaims {
  readonly fmspc: Hex;
  readonly pceId: Hex;
  readonly ppid: Hex;
  readonly cpuSvn: Hex;
  readonly pceSvn: number;
  /** Number of the TCB evaluation data set that judged: newer TCB recoveries have larger ones. */
  readonly tcbEvaluationDataNumber: number;
  /** When the TCB level that matched was current. */
  readonly tcbDate: string | null;
  readonly qeVendorId: Hex;
}

/** SGX REPORT body (Intel SDM vol. 3D, table 38-21), multi-byte integers as numbers, everything else as hex. */
export interface SgxClaims extends PckClaims {
  readonly mrEnclave: Hex;
  readonly mrSigner: Hex;
  readonly isvProdId: number;
  readonly isvSvn: number;
  readonly attributes: Hex;
  readonly miscSelect: Hex;
  readonly reportCpuSvn: Hex;
  readonly configId: Hex;
  readonly configSvn: number;
  readonly isvExtProdId: Hex;
  readonly isvFamilyId: Hex;
}

/** TD report body (Intel TDX DCAP Quoting Library API, A.3.2), as it stands in the quote. */
export interface TdxClaims extends PckClaims {
  readonly mrTd: Hex;
  readonly rtMr0: Hex;
  readonly rtMr1: Hex;
  readonly rtMr2: Hex;
  readonly rtMr3: Hex;
  readonly mrConfigId: Hex;
  readonly mrOwner: Hex;
  readonly mrOwnerConfig: Hex;
  readonly tdAttributes: Hex;
  readonly xfam: Hex;
  readonly teeTcbSvn: Hex;
  readonly mrSeam: Hex;
  readonly mrSignerSeam: Hex;
  readonly seamAttributes: Hex;
  /** TDX 1.5 bodies only. */
  readonly teeTcbSvn2: Hex | null;
  /** TDX 1.5 bodies only. */
  readonly mrServiceTd: Hex | null;
}
