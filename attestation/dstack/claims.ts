import type { TdxClaims } from "../intel/claims.ts";
import type { DstackAppInfo } from "./app-info.ts";

export interface DstackClaims {
  readonly hardware: TdxClaims;
  /** From the events in RTMR3, up to the guest's handover to the application. */
  readonly app: DstackAppInfo;
}
