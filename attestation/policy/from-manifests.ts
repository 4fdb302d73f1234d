import type { VerifiedManifest } from "../nvidia/reference-manifest.ts";
import { RULES, type AppraisalPolicy } from "./policy.ts";
import { parseAppraisalPolicy } from "./policy-file.ts";

/**
 * A policy that accepts NVIDIA devices whose measurements are those of `manifests`, and nothing else, for a person to read
 * and to complete: which devices and how many, and every other kind of evidence, it does not know.
 *
 * @param manifests one at least; a GPU needs one of its driver and one of its VBIOS, a switch one of its BIOS
 */
export function policyFromManifests(manifests: readonly VerifiedManifest[]): AppraisalPolicy {
  const others = Object.keys(RULES).filter((kind) => kind !== "nvidia");
  const any = { acceptAny: true } as const;
  return parseAppraisalPolicy({
    version: 3,
    pieces: "all",
    ...Object.fromEntries(others.map((kind) => [kind, { refuse: true }])),
    nvidia: {
      devices: any,
      hardwareModel: any,
      driverVersion: any,
      vbiosVersion: any,
      featureFlag: any,
      switches: "require",
      measurements: {
        manifests: manifests.map(({ component, version, byIndex }) => ({ component, version, byIndex })),
      },
      debug: "refuse",
      revocation: "acceptUnchecked",
      platformIds: any,
      reportData: any,
      freshness: { maxAgeSeconds: 86_400 },
    },
  });
}
