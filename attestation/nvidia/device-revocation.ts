import { checkGivenRevocation, type RevocationFinding } from "../x509/given-revocation.ts";
import type { TimeWindow, UnixSeconds } from "../time/unix-time.ts";
import type { VerifiedPath } from "../x509/path.ts";
import type { NvidiaRevocation } from "./claims.ts";
import type { NvidiaEndorsements } from "./nvidia-endorsements.ts";

export interface DeviceRevocation {
  readonly covered: number;
  readonly issued: number;
  readonly windows: readonly TimeWindow[];
}

/**
 * Asks what was given about the certificates of one device, and counts those that NVIDIA issued and would answer about: below
 * the root, and not the one that the device's boot ROM issued to its firmware.
 *
 * @throws as `checkGivenRevocation`
 */
export async function checkDeviceRevocation(
  path: VerifiedPath,
  given: NvidiaEndorsements,
  now: UnixSeconds,
): Promise<DeviceRevocation> {
  const { covered, windows }: RevocationFinding = await checkGivenRevocation(path, given, now);
  const issued = issuedByNvidia(path);
  return {
    covered: covered.filter((index) => issued.includes(index)).length,
    issued: issued.length,
    windows,
  };
}

/** By their place in the path. A leaf right below the root was issued by NVIDIA. */
export function issuedByNvidia({ certificates, anchor }: VerifiedPath): readonly number[] {
  const below = certificates.flatMap(({ publicKey }, index) =>
    publicKey.spkiHex === anchor.publicKey.spkiHex ? [] : [index],
  );
  return below.length === 1 ? below : below.filter((index) => index > 0);
}

export function describeRevocation({ covered, issued }: DeviceRevocation): string {
  return `${covered} of ${issued} certificates that NVIDIA issued`;
}

export function summarise(devices: readonly (DeviceRevocation | null)[]): NvidiaRevocation {
  if (devices.every((device) => device === null || device.covered === 0)) return "not-checked";
  return devices.every((device) => device?.covered === device?.issued) ? "checked" : "partly-checked";
}
