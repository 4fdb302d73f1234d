import { toHex, type Hex } from "../../protocol/bytes.ts";
import type { KdsExtensions } from "./kds-extensions.ts";
import type { SnpProductLine } from "./product.ts";
import type { SnpFirmwareVersion, SnpReport, SnpSigningKey } from "./snp-report.ts";
import { toSnpTcb, type SnpTcb } from "./tcb-version.ts";

/** ATTESTATION_REPORT (AMD 56860 §7.3), integers as numbers where they are small, everything else as hex. */
export interface SnpClaims {
  readonly version: number;
  readonly guestSvn: number;
  /** Guest policy, 64 bits big-endian as they are usually written: 0x000000000003001f. */
  readonly policy: Hex;
  readonly familyId: Hex;
  readonly imageId: Hex;
  readonly vmpl: number;
  readonly platformInfo: Hex;
  readonly authorKeyEn: boolean;
  readonly maskChipKey: boolean;
  readonly signingKey: SnpSigningKey;
  readonly reportData: Hex;
  readonly measurement: Hex;
  readonly hostData: Hex;
  readonly idKeyDigest: Hex;
  readonly authorKeyDigest: Hex;
  readonly reportId: Hex;
  readonly reportIdMa: Hex;
  /** All zero where the host masks it. */
  readonly chipId: Hex;
  readonly cpuid: { readonly family: number; readonly model: number; readonly stepping: number } | null;
  /** From the certificate's product name. */
  readonly product: SnpProductLine;
  /** VLEK only: the cloud provider that the key was lent to. */
  readonly cspId: string | null;
  readonly currentTcb: SnpTcb;
  readonly reportedTcb: SnpTcb;
  readonly committedTcb: SnpTcb;
  readonly launchTcb: SnpTcb;
  readonly currentVersion: SnpFirmwareVersion;
  readonly committedVersion: SnpFirmwareVersion;
  readonly launchMitVector: Hex | null;
  readonly currentMitVector: Hex | null;
  /** Whether a list of AMD's was there to look the signing key's CA up in. */
  readonly revocation: "checked" | "not-checked";
}

export function toSnpClaims(
  report: SnpReport,
  key: Pick<KdsExtensions, "productLine" | "cspId">,
  revocation: SnpClaims["revocation"],
): SnpClaims {
  const tcb = (version: Uint8Array): SnpTcb => toSnpTcb(version, key.productLine);
  return {
    version: report.version,
    guestSvn: report.guestSvn,
    policy: toHex64(report.policy.raw),
    familyId: toHex(report.familyId),
    imageId: toHex(report.imageId),
    vmpl: report.vmpl,
    platformInfo: toHex64(report.platformInfo),
    authorKeyEn: report.authorKeyEnabled,
    maskChipKey: report.maskChipKey,
    signingKey: report.signingKey,
    reportData: toHex(report.reportData),
    measurement: toHex(report.measurement),
    hostData: toHex(report.hostData),
    idKeyDigest: toHex(report.idKeyDigest),
    authorKeyDigest: toHex(report.authorKeyDigest),
    reportId: toHex(report.reportId),
    reportIdMa: toHex(report.reportIdMa),
    chipId: toHex(report.chipId),
    cpuid: report.cpuid,
    product: key.productLine,
    cspId: key.cspId,
    currentTcb: tcb(report.currentTcb),
    reportedTcb: tcb(report.reportedTcb),
    committedTcb: tcb(report.committedTcb),
    launchTcb: tcb(report.launchTcb),
    currentVersion: report.currentVersion,
    committedVersion: report.committedVersion,
    launchMitVector: report.mitigations === null ? null : toHex64(report.mitigations.launch),
    currentMitVector: report.mitigations === null ? null : toHex64(report.mitigations.current),
    revocation,
  };
}

function toHex64(value: bigint): Hex {
  return `0x${value.toString(16).padStart(16, "0")}`;
}
