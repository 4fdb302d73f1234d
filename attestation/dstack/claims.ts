import type { SnpClaims } from "../amd/claims.ts";
import type { NitroClaims, NitroTpmClaims } from "../aws/claims.ts";
import type { TdxClaims } from "../intel/claims.ts";
import type { DstackAppInfo } from "./app-info.ts";

export interface DstackClaims {
  readonly hardware: TdxClaims;
  /** From the events in RTMR3, up to the guest's handover to the application. */
  readonly app: DstackAppInfo;
}

export interface DstackSnpClaims {
  readonly hardware: SnpClaims;
  /** From the configuration that HOST_DATA commits to. */
  readonly app: DstackAppInfo;
}

export interface DstackNitroClaims {
  readonly hardware: NitroClaims;
  /** The image is the application: `osImageHash` is dstack's hash of its PCRs, and nothing else is said. */
  readonly app: DstackAppInfo;
}

export interface DstackNitroTpmClaims {
  readonly hardware: NitroTpmClaims;
  /** From the events in PCR14, up to the guest's handover to the application. */
  readonly app: DstackAppInfo;
}
