import type { TcbStatus } from "../intel/claims.ts";

/** Intel PCS API, "Get TCB Info", `tcbStatus`; and QVL for those that it adds. */
const TCB_MEANING: Readonly<Record<TcbStatus, string>> = {
  UpToDate: "has every update that Intel lists",
  SWHardeningNeeded: "updated, and software inside must defend itself against some attacks",
  ConfigurationNeeded: "updated, and configured in a way that Intel advises against",
  ConfigurationAndSWHardeningNeeded:
    "updated, configured in a way that Intel advises against, and software inside must defend itself",
  TDRelaunchAdvised: "updated, but this TD was started before: relaunch it",
  TDRelaunchAdvisedConfigurationNeeded:
    "updated, but this TD was started before, and the configuration is one that Intel advises against",
  OutOfDate: "LACKS SECURITY UPDATES",
  OutOfDateConfigurationNeeded:
    "LACKS SECURITY UPDATES, and is configured in a way that Intel advises against",
  Revoked: "REVOKED BY INTEL: nothing that it signs is to be believed",
  NotSupported: "OLDER THAN ANYTHING THAT INTEL LISTS: no policy can accept it",
};

/** Intel's word for the platform, for somebody who does not know it. */
export function describePlatform(status: TcbStatus, advisories: readonly string[]): string {
  const listed = advisories.length === 0 ? "" : ` (${advisories.join(", ")})`;
  return `${status}: ${TCB_MEANING[status]}${listed}`;
}

const LACKS_UPDATES: ReadonlySet<TcbStatus> = new Set<TcbStatus>([
  "OutOfDate",
  "OutOfDateConfigurationNeeded",
  "Revoked",
  "NotSupported",
]);

/** The caution under every verdict on a platform that lacks security updates; null for others. */
export function cautionOf(status: TcbStatus): string | null {
  return LACKS_UPDATES.has(status) ? `The platform is ${status}: it lacks security updates.` : null;
}
