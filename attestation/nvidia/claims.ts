import { toHex, type Hex } from "../../protocol/bytes.ts";
import type { NvidiaOpaqueData } from "./opaque-data.ts";
import type { SpdmMeasurements } from "./spdm-measurements.ts";

/** What one GPU or switch signed. */
export interface NvidiaDeviceClaims {
  /** By SPDM index: "1" to "64". */
  readonly measurements: Readonly<Record<string, Hex>>;
  /** Null on a switch. */
  readonly driverVersion: string | null;
  readonly vbiosVersion: string | null;
  readonly project: string | null;
  readonly projectSku: string | null;
  readonly chipSku: string | null;
  readonly firmwareId: Hex | null;
  /** Name of the CA in the device's boot ROM: "GH100 A01 GSP BROM". */
  readonly hardwareModel: string;
  /** Serial number of the device's certificate, NVIDIA's UEID. */
  readonly ueid: Hex;
}

export interface NvidiaClaims {
  /** The nonce that every device answered. */
  readonly nonce: Hex;
  readonly devices: readonly NvidiaDeviceClaims[];
  /** NVIDIA answers by OCSP only, which nothing here asks. */
  readonly revocation: "not-checked";
}

export function toNvidiaDeviceClaims(
  { measurements }: SpdmMeasurements,
  opaque: NvidiaOpaqueData,
  identity: Pick<NvidiaDeviceClaims, "hardwareModel" | "ueid">,
): NvidiaDeviceClaims {
  return {
    measurements: Object.fromEntries(measurements.map(({ index, value }) => [String(index), toHex(value)])),
    driverVersion: opaque.driverVersion,
    vbiosVersion: opaque.vbiosVersion,
    project: opaque.project,
    projectSku: opaque.projectSku,
    chipSku: opaque.chipSku,
    firmwareId: opaque.firmwareId === null ? null : toHex(opaque.firmwareId),
    ...identity,
  };
}
