import { toHex, type Hex } from "../../protocol/bytes.ts";
import type { NvidiaFeatureFlag, NvidiaOpaqueData } from "./opaque-data.ts";
import type { SpdmMeasurements } from "./spdm-measurements.ts";

/** What one GPU or switch signed. */
export interface NvidiaDeviceClaims {
  /** A switch has no driver of its own, and says so by naming none. */
  readonly device: "gpu" | "switch";
  /** By SPDM index: "1" to "64". */
  readonly measurements: Readonly<Record<string, Hex>>;
  /** Null on a switch. */
  readonly driverVersion: string | null;
  readonly vbiosVersion: string | null;
  readonly project: string | null;
  readonly projectSku: string | null;
  readonly chipSku: string | null;
  readonly firmwareId: Hex | null;
  /** The PCIe bus is protected and the links between GPUs are not encrypted; null where the device does not say. */
  readonly protectedPcie: boolean | null;
  /** SPT one GPU, MPT several with encrypted links, PPCIE several with a protected bus; null where it does not say. */
  readonly featureFlag: NvidiaFeatureFlag | null;
  /** Of a GPU, the NVSwitches at its links, each once; of a switch, itself. */
  readonly switches: readonly Hex[];
  /** Whether the video decoder is on; null where the device does not say. */
  readonly decoderOn: boolean | null;
  /** Name of the CA in the device's boot ROM: "GH100 A01 GSP BROM". */
  readonly hardwareModel: string;
  /** Serial number of the device's certificate, NVIDIA's UEID. */
  readonly ueid: Hex;
}

export interface NvidiaClaims {
  /** The nonce that every device answered. */
  readonly nonce: Hex;
  readonly devices: readonly NvidiaDeviceClaims[];
  readonly revocation: NvidiaRevocation;
}

/**
 * Whether OCSP answers or lists spoke of every certificate that NVIDIA issued to the devices, of some, or of none. What the
 * device issued to its own firmware is not among them (nvtrust, `ocsp_certificate_chain_validation`).
 */
export type NvidiaRevocation = "checked" | "partly-checked" | "not-checked";

export function toNvidiaDeviceClaims(
  { measurements }: SpdmMeasurements,
  opaque: NvidiaOpaqueData,
  identity: Pick<NvidiaDeviceClaims, "hardwareModel" | "ueid">,
): NvidiaDeviceClaims {
  const device = opaque.driverVersion === null ? "switch" : "gpu";
  return {
    device,
    measurements: Object.fromEntries(measurements.map(({ index, value }) => [String(index), toHex(value)])),
    driverVersion: opaque.driverVersion,
    vbiosVersion: opaque.vbiosVersion,
    project: opaque.project,
    projectSku: opaque.projectSku,
    chipSku: opaque.chipSku,
    firmwareId: opaque.firmwareId === null ? null : toHex(opaque.firmwareId),
    protectedPcie: opaque.protectedPcie,
    featureFlag: opaque.featureFlag,
    switches: [...new Set(opaque.linkIds.map(toHex))].sort(),
    decoderOn: opaque.isDecoderOn,
    ...identity,
  };
}
