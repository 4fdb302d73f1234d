import { readField } from "../encoding/layout.ts";
import type { TcbStatus } from "./claims.ts";
import type { Quote } from "./quote.ts";
import { TD_REPORT_BODY_15 } from "./quote-layout.ts";
import type { TcbInfo } from "./tcb-info.ts";
import { isConfigurationNeeded, type ComponentStatus } from "./tcb-status.ts";
import { findModuleIdentity } from "./tdx-module.ts";

/** Statuses found before the question whether relaunching the TD would help. */
export interface RelaunchInput {
  readonly quote: Pick<Quote, "bodyType" | "body">;
  readonly info: TcbInfo;
  readonly sgx: TcbStatus;
  readonly tdx: TcbStatus;
  readonly module: ComponentStatus;
  readonly qe: ComponentStatus;
}

const CURRENT_PLATFORM: ReadonlySet<TcbStatus> = new Set([
  "UpToDate",
  "SWHardeningNeeded",
  "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
]);

/**
 * TDX 1.5 can replace its module under running TDs. If only the module that measured the TD at launch is out of date,
 * and the one loaded now (TEE_TCB_SVN2) is the newest, relaunching brings the TD up to date: TDRelaunchAdvised
 * (QVL, checkForRelaunch). Otherwise the status stays as it was.
 *
 * @throws {EvidenceError} EVIDENCE_BINDING_MISMATCH when Intel does not list the module loaded now
 */
export function adviseRelaunch({ quote, info, sgx, tdx, module, qe }: RelaunchInput): TcbStatus {
  const isOutOfDate = tdx === "OutOfDate" || tdx === "OutOfDateConfigurationNeeded";
  if (quote.bodyType !== "td15" || qe !== "UpToDate" || !CURRENT_PLATFORM.has(sgx) || !isOutOfDate)
    return tdx;
  if (module !== "OutOfDate" || !isLoadedModuleNewest(quote.body, info)) return tdx;
  return isConfigurationNeeded(sgx) || isConfigurationNeeded(tdx)
    ? "TDRelaunchAdvisedConfigurationNeeded"
    : "TDRelaunchAdvised";
}

function isLoadedModuleNewest(body: Uint8Array, info: TcbInfo): boolean {
  const [moduleSvn = 0, version = 0, loaderSvn = 0] = readField(body, TD_REPORT_BODY_15.teeTcbSvn2);
  const newest = info.tcbLevels[0]?.tcb.tdx;
  const newestModuleSvn =
    version === 0 ? newest?.[0] : findModuleIdentity(info, version).tcbLevels[0]?.tcb.isvsvn;
  const newestLoaderSvn = newest?.[2];
  return (
    newestModuleSvn !== undefined &&
    newestLoaderSvn !== undefined &&
    moduleSvn >= newestModuleSvn &&
    loaderSvn >= newestLoaderSvn
  );
}
