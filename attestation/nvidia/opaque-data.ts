/**
 * NVIDIA's opaque data in an SPDM MEASUREMENTS response: type, length, value; all integers little-endian.
 *
 * Source: github.com/NVIDIA/nvtrust, guest_tools/gpu_verifiers/local_gpu_verifier, spdm_msrt_resp_msg.py (class
 * OpaqueData); the device signs it with the measurements.
 */

import { EvidenceError } from "../../protocol/errors.ts";
import { ByteReader } from "../encoding/byte-reader.ts";
import { isAllZero } from "../encoding/layout.ts";

const TYPE = {
  driverVersion: 3,
  vbiosVersion: 6,
  chipSku: 15,
  project: 17,
  projectSku: 18,
  nvdecStatus: 11,
  firmwareId: 20,
  protectedPcieStatus: 21,
  /** On a GPU the switches at the ends of its links, on a switch itself. */
  deviceIds: 22,
  /** On a switch the GPUs at the ends of its links. */
  gpuIds: 26,
  featureFlag: 36,
} as const;

/** Status bytes: anything else is neither. */
const STATUS: Readonly<Record<number, boolean>> = { 0xaa: true, 0x55: false };

/** One GPU, several GPUs with encrypted links between them, several with a protected PCIe bus and plain links. */
const FEATURE_FLAGS = ["SPT", "MPT", "PPCIE"] as const;
export type NvidiaFeatureFlag = (typeof FEATURE_FLAGS)[number];

/** A "PDI", which names a device on its NVLink fabric. */
const DEVICE_ID_LENGTH = 8;

/** DICE firmware identifiers of these devices are SHA-384. */
const FIRMWARE_ID_LENGTH = 48;
/** A GPU's VBIOS version is 8 bytes, an NVSwitch's BIOS version is text. */
const GPU_VBIOS_VERSION_LENGTH = 8;

export interface NvidiaOpaqueData {
  /** Null on a switch, which has no driver of its own. */
  readonly driverVersion: string | null;
  /** Five groups, as `nvidia-smi` prints them: "96.00.9F.00.01". */
  readonly vbiosVersion: string | null;
  /** The five parts from which RIM identifiers are built; null where the device does not say. */
  readonly project: string | null;
  readonly projectSku: string | null;
  readonly chipSku: string | null;
  /** DICE FWID of the firmware that holds the signing key; must equal the leaf certificate's when present. */
  readonly firmwareId: Uint8Array<ArrayBuffer> | null;
  /** Whether the video decoder is on: NVIDIA compares measurement 35 only then; null where the device does not say. */
  readonly isDecoderOn: boolean | null;
  /** Whether the PCIe bus is protected with the links plain (PPCIE); null where the device does not say. */
  readonly protectedPcie: boolean | null;
  readonly featureFlag: NvidiaFeatureFlag | null;
  /** Ids that a GPU gives of its switches, and a switch of itself, in a switch's byte order. Links that are off are left out. */
  readonly linkIds: readonly Uint8Array<ArrayBuffer>[];
}

/** @throws {EvidenceError} EVIDENCE_MALFORMED for a field beyond the input, or one that appears twice */
export function parseOpaqueData(bytes: Uint8Array<ArrayBuffer>): NvidiaOpaqueData {
  const fields = readFields(bytes);
  const firmwareId = fields.get(TYPE.firmwareId) ?? null;
  if (firmwareId !== null && firmwareId.length !== FIRMWARE_ID_LENGTH)
    throw malformed("a firmware identifier is 48 bytes long", firmwareId.length);
  const vbiosVersion = fields.get(TYPE.vbiosVersion);
  return {
    driverVersion: toText(fields.get(TYPE.driverVersion)),
    vbiosVersion: vbiosVersion === undefined ? null : toVbiosVersion(vbiosVersion),
    project: toText(fields.get(TYPE.project)),
    projectSku: toText(fields.get(TYPE.projectSku)),
    chipSku: toText(fields.get(TYPE.chipSku)),
    firmwareId,
    isDecoderOn: toStatus(fields.get(TYPE.nvdecStatus)),
    protectedPcie: toStatus(fields.get(TYPE.protectedPcieStatus)),
    featureFlag: toFeatureFlag(fields.get(TYPE.featureFlag)),
    linkIds: toLinkIds(fields),
  };
}

function toStatus(bytes: Uint8Array<ArrayBuffer> | undefined): boolean | null {
  const [status = -1] = bytes ?? [];
  return STATUS[status] ?? null;
}

/** Little-endian. A flag that is not known is refused rather than left out: it could be one that a policy must see. */
function toFeatureFlag(bytes: Uint8Array<ArrayBuffer> | undefined): NvidiaFeatureFlag | null {
  if (bytes === undefined) return null;
  const value = bytes.reduceRight((sum, byte) => sum * 256 + byte, 0);
  const flag = FEATURE_FLAGS[value];
  if (flag === undefined) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "the device is in a mode of several GPUs that is not known",
      details: { featureFlag: value },
    });
  }
  return flag;
}

/** GPUs write ids in the reverse of the order in which switches write their own (nvtrust, `gpu_topology_check`). */
function toLinkIds(fields: ReadonlyMap<number, Uint8Array<ArrayBuffer>>): readonly Uint8Array<ArrayBuffer>[] {
  const bytes = fields.get(TYPE.deviceIds) ?? new Uint8Array();
  if (bytes.length % DEVICE_ID_LENGTH !== 0) throw malformed("device ids are 8 bytes long", bytes.length);
  const isSwitch = fields.has(TYPE.gpuIds);
  const ids = Array.from({ length: bytes.length / DEVICE_ID_LENGTH }, (_, index) => {
    const id = bytes.slice(index * DEVICE_ID_LENGTH, (index + 1) * DEVICE_ID_LENGTH);
    return isSwitch ? id : id.reverse();
  });
  return ids.filter((id) => !isAllZero(id));
}

function readFields(bytes: Uint8Array<ArrayBuffer>): ReadonlyMap<number, Uint8Array<ArrayBuffer>> {
  const fields = new Map<number, Uint8Array<ArrayBuffer>>();
  const reader = new ByteReader(bytes);
  while (reader.remaining > 0) {
    const type = reader.uint16le();
    if (fields.has(type)) throw malformed("a field of the opaque data appears twice", type);
    fields.set(type, reader.bytes(reader.uint16le()));
  }
  return fields;
}

/** NUL-terminated ASCII; a byte outside it becomes a question mark, as this is shown and compared, never parsed. */
function toText(bytes: Uint8Array<ArrayBuffer> | undefined): string | null {
  if (bytes === undefined) return null;
  const end = bytes.indexOf(0);
  return Array.from(end === -1 ? bytes : bytes.subarray(0, end), (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "?",
  ).join("");
}

/** Bytes 3, 2, 1, 0, then 4, in two hex digits each (nvtrust, `format_vbios_version`). */
function toVbiosVersion(bytes: Uint8Array<ArrayBuffer>): string | null {
  if (bytes.length !== GPU_VBIOS_VERSION_LENGTH) return toText(bytes);
  const groups = [...bytes.slice(0, 4).reverse(), ...bytes.slice(4, 5)];
  return groups.map((byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(".");
}

function malformed(message: string, value: number): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_MALFORMED", message, details: { value } });
}
