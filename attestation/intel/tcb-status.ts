import type { TcbStatus } from "./claims.ts";

/** Status of a component that has no configuration of its own: a TDX module, a quoting enclave. */
export type ComponentStatus = "UpToDate" | "OutOfDate" | "Revoked" | "NotSupported";

/**
 * Lowers a platform's status by that of one component under it (QVL, convergeTcbStatusWithQeTcbStatus and
 * convergeTcbStatusWithTdxModuleStatus).
 */
export function convergeTcbStatus(platform: TcbStatus, component: ComponentStatus): TcbStatus {
  if (component === "Revoked" || component === "NotSupported") return component;
  if (component === "UpToDate") return platform;
  if (platform === "UpToDate" || platform === "SWHardeningNeeded") return "OutOfDate";
  if (platform === "ConfigurationNeeded" || platform === "ConfigurationAndSWHardeningNeeded")
    return "OutOfDateConfigurationNeeded";
  return platform;
}

const CONFIGURATION_NEEDED: ReadonlySet<TcbStatus> = new Set([
  "ConfigurationNeeded",
  "OutOfDateConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
]);

export function isConfigurationNeeded(status: TcbStatus): boolean {
  return CONFIGURATION_NEEDED.has(status);
}
