/**
 * NVIDIA's opaque data in an SPDM MEASUREMENTS response: type, length, value; all integers little-endian.
 *
 * Source: github.com/NVIDIA/nvtrust, guest_tools/gpu_verifiers/local_gpu_verifier, spdm_msrt_resp_msg.py (class
 * OpaqueData); the device signs it with the measurements.
 */

import { EvidenceError } from "../../protocol/errors.ts";
import { ByteReader } from "../encoding/byte-reader.ts";

const TYPE = {
  driverVersion: 3,
  vbiosVersion: 6,
  measurementCounts: 12,
  boardId: 14,
  chipSku: 15,
  chipSkuMod: 16,
  project: 17,
  projectSku: 18,
  projectSkuMod: 19,
  firmwareId: 20,
} as const;

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
}

/** @throws {EvidenceError} EVIDENCE_MALFORMED for a field beyond the input, or one that appears twice */
export function parseOpaqueData(bytes: Uint8Array<ArrayBuffer>): NvidiaOpaqueData {
  const fields = readFields(bytes);
  const firmwareId = fields.get(TYPE.firmwareId) ?? null;
  if (firmwareId !== null && firmwareId.length !== FIRMWARE_ID_LENGTH) {
    throw malformed("a firmware identifier is 48 bytes long", firmwareId.length);
  }
  const vbiosVersion = fields.get(TYPE.vbiosVersion);
  return {
    driverVersion: toText(fields.get(TYPE.driverVersion)),
    vbiosVersion: vbiosVersion === undefined ? null : toVbiosVersion(vbiosVersion),
    project: toText(fields.get(TYPE.project)),
    projectSku: toText(fields.get(TYPE.projectSku)),
    chipSku: toText(fields.get(TYPE.chipSku)),
    firmwareId,
  };
}

function readFields(bytes: Uint8Array<ArrayBuffer>): ReadonlyMap<number, Uint8Array<ArrayBuffer>> {
  const fields = new Map<number, Uint8Array<ArrayBuffer>>();
  const reader = new ByteReader(bytes);
  while (reader.remaining > 0) {
    const type = reader.uint16le();
    if (fields.has(type)) {
      throw malformed("a field of the opaque data appears twice", type);
    }
    fields.set(type, reader.bytes(reader.uint16le()));
  }
  return fields;
}

/** NUL-terminated ASCII; a byte outside it becomes a question mark, as this is shown and compared, never parsed. */
function toText(bytes: Uint8Array<ArrayBuffer> | undefined): string | null {
  if (bytes === undefined) {
    return null;
  }
  const end = bytes.indexOf(0);
  return Array.from(end === -1 ? bytes : bytes.subarray(0, end), (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "?",
  ).join("");
}

/** Bytes 3, 2, 1, 0, then 4, in two hex digits each (nvtrust, `format_vbios_version`). */
function toVbiosVersion(bytes: Uint8Array<ArrayBuffer>): string | null {
  if (bytes.length !== GPU_VBIOS_VERSION_LENGTH) {
    return toText(bytes);
  }
  const groups = [...bytes.slice(0, 4).reverse(), ...bytes.slice(4, 5)];
  return groups.map((byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(".");
}

function malformed(message: string, value: number): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_MALFORMED", message, details: { value } });
}
