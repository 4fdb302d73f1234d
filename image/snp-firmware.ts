/**
 * What an SEV-SNP launch digest needs of a firmware: a few numbers, so that nobody has to carry the firmware itself.
 * Source: edk2, OvmfPkg/ResetVector (footer table of GUIDs) and OvmfPkg/ResetVector/X64/OvmfSevMetadata.asm.
 */

import { InputError } from "../protocol/errors.ts";
import { PageDigest, PageType } from "./snp-page-digest.ts";

/** Of OvmfSevMetadata.asm. */
export const SectionType = {
  memory: 1,
  secrets: 2,
  cpuid: 3,
  svsmCaa: 4,
  kernelHashes: 0x10,
} as const;

export interface FirmwareSection {
  readonly gpa: number;
  readonly size: number;
  readonly type: number;
}

export interface SnpFirmware {
  /** Launch digest after the firmware's own pages, 48 bytes. */
  readonly digest: Uint8Array;
  readonly sections: readonly FirmwareSection[];
  /** Guest address of the table of kernel hashes; 0 where the firmware has none. */
  readonly hashTable: number;
  /** Where all processors but the first begin; 0 where the firmware does not say. */
  readonly resetEip: number;
}

const FOUR_GIB = 0x1_0000_0000;
/** The reset vector, behind the table. */
const TAIL = 32;
/** A size of two bytes and a GUID, behind each entry's data. */
const ENTRY = 18;
const MAX_SECTIONS = 64;
const METADATA_MAGIC = "ASEV";
const METADATA_HEADER = 16;
const METADATA_SECTION = 12;

const GUID = {
  footer: "96b582de-1fb2-45f7-baea-a366c55a082d",
  hashTable: "7255371f-3a3b-4b04-927b-1da6efa8d454",
  resetBlock: "00f771de-1a7e-4fcb-890e-68c77e2fb44e",
  metadata: "dc886566-984a-4798-a75e-5585a7bf67cc",
} as const;

/** A GUID as firmware writes it: its first three fields are little-endian. */
export function guidBytes(text: string): Uint8Array {
  const bytes = Buffer.from(text.replaceAll("-", ""), "hex");
  const parts = [
    bytes.subarray(0, 4).reverse(),
    bytes.subarray(4, 6).reverse(),
    bytes.subarray(6, 8).reverse(),
  ];
  return new Uint8Array(Buffer.concat([...parts, bytes.subarray(8)]));
}

/** @throws {InputError} INPUT_INVALID for a file that is no OVMF with SEV metadata */
export function readSnpFirmware(file: Uint8Array): SnpFirmware {
  const firmware = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (firmware.length % 4096 !== 0 || firmware.length < 4096 || firmware.length > 64 * 1024 * 1024)
    throw malformed("its size is none that a firmware has");
  const table = footerTable(firmware);
  const word = (guid: string): number => {
    const data = table.get(guid);
    return data !== undefined && data.length >= 4 ? data.readUInt32LE(0) : 0;
  };
  if (!table.has(GUID.metadata)) throw malformed("it has no SEV metadata: it is a build without SEV");
  const pages = new PageDigest();
  pages.addAll(PageType.normal, FOUR_GIB - firmware.length, firmware);
  return {
    digest: pages.value,
    sections: readSections(firmware, firmware.length - word(GUID.metadata)),
    hashTable: word(GUID.hashTable),
    resetEip: word(GUID.resetBlock),
  };
}

/** Entries by GUID, read from the table's end towards its start. */
function footerTable(firmware: Buffer): ReadonlyMap<string, Buffer> {
  const table = new Map<string, Buffer>();
  const end = firmware.length - TAIL - ENTRY;
  const names = new Map(
    Object.values(GUID).map((guid) => [Buffer.from(guidBytes(guid)).toString("hex"), guid]),
  );
  const nameAt = (at: number): string | undefined => names.get(firmware.toString("hex", at, at + 16));
  if (nameAt(end + 2) !== GUID.footer) throw malformed("it has no table of GUIDs at its end");
  const start = end + ENTRY - firmware.readUInt16LE(end);
  if (start < 0 || start > end) throw malformed("its table of GUIDs is broken");
  for (let at = end; at - ENTRY >= start;) {
    const size = firmware.readUInt16LE(at - ENTRY);
    if (size < ENTRY || at - size < start) throw malformed("its table of GUIDs is broken");
    const name = nameAt(at - 16);
    if (name !== undefined) table.set(name, firmware.subarray(at - size, at - ENTRY));
    at -= size;
  }
  return table;
}

function readSections(firmware: Buffer, start: number): readonly FirmwareSection[] {
  const inside = start >= 0 && start + METADATA_HEADER <= firmware.length;
  if (!inside || firmware.toString("latin1", start, start + 4) !== METADATA_MAGIC)
    throw malformed("its SEV metadata is broken");
  const count = firmware.readUInt32LE(start + 12);
  const end = start + METADATA_HEADER + count * METADATA_SECTION;
  if (count === 0 || count > MAX_SECTIONS || end > firmware.length)
    throw malformed("its SEV metadata is broken");
  return Array.from({ length: count }, (_, index) => {
    const at = start + METADATA_HEADER + index * METADATA_SECTION;
    return {
      gpa: firmware.readUInt32LE(at),
      size: firmware.readUInt32LE(at + 4),
      type: firmware.readUInt32LE(at + 8),
    };
  });
}

function malformed(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message: `not a firmware for SEV-SNP: ${message}` });
}
