/** Portable executables, as firmware starts them: their Authenticode digest, and sections added to a stub (a unified kernel image). */

import { createHash } from "node:crypto";
import { InputError } from "../protocol/errors.ts";
import type { DigestName } from "./digest.ts";

/** Offsets of the Microsoft PE and COFF specification: from the file's start, the signature, the optional header. */
const PE_POINTER = 0x3c;
const PE_SIGNATURE = 0x4550;
const COFF = { sections: 6, optionalSize: 20 } as const;
const OPTIONAL_AT = 24;
const OPTIONAL = {
  magic: 0,
  sectionAlignment: 32,
  fileAlignment: 36,
  imageSize: 56,
  headersSize: 60,
  checksum: 64,
} as const;
const PE32_PLUS = 0x20b;
const PE32 = 0x10b;
/** Data directory 4, the attribute certificate table, in either form of the header. */
const CERTIFICATES_AT = { [PE32_PLUS]: 112 + 4 * 8, [PE32]: 96 + 4 * 8 } as const;
const SECTION_SIZE = 40;
const SECTION = { virtualSize: 8, address: 12, rawSize: 16, offset: 20, characteristics: 36 } as const;
/** IMAGE_SCN_CNT_INITIALIZED_DATA | IMAGE_SCN_MEM_READ */
const READABLE_DATA = 0x4000_0040;
/** Bytes. */
const MAX_SECTION = 1024 * 1024 * 1024;

interface Section {
  readonly name: string;
  readonly address: number;
  readonly virtualSize: number;
  readonly offset: number;
  readonly rawSize: number;
}

interface Portable {
  readonly bytes: Buffer;
  readonly pe: number;
  readonly optional: number;
  readonly certificateEntry: number;
  readonly headersSize: number;
  readonly sectionTable: number;
  readonly sections: readonly Section[];
}

function malformed(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message: `not a program that firmware starts: ${message}` });
}

function readPortable(file: Uint8Array): Portable {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const u32 = (at: number): number => {
    if (at + 4 > bytes.length) throw malformed("it is cut short");
    return bytes.readUInt32LE(at);
  };
  const u16 = (at: number): number => u32(at) & 0xffff;
  const pe = u32(PE_POINTER);
  if (u32(pe) !== PE_SIGNATURE) throw malformed("it has no PE signature");
  const optional = pe + OPTIONAL_AT;
  const magic = u16(optional + OPTIONAL.magic);
  if (magic !== PE32_PLUS && magic !== PE32) throw malformed("its optional header is of an unknown form");
  const sectionTable = optional + u16(pe + COFF.optionalSize);
  const sections = Array.from({ length: u16(pe + COFF.sections) }, (_, index): Section => {
    const at = sectionTable + index * SECTION_SIZE;
    const section = {
      name: bytes.toString("latin1", at, at + 8).replace(/\0+$/, ""),
      address: u32(at + SECTION.address),
      virtualSize: u32(at + SECTION.virtualSize),
      offset: u32(at + SECTION.offset),
      rawSize: u32(at + SECTION.rawSize),
    };
    if (section.rawSize > 0 && section.offset + section.rawSize > bytes.length)
      throw malformed(`its section ${section.name} is not in it`);
    return section;
  });
  const headersSize = u32(optional + OPTIONAL.headersSize);
  if (headersSize > bytes.length) throw malformed("its headers are cut short");
  return {
    bytes,
    pe,
    optional,
    certificateEntry: optional + CERTIFICATES_AT[magic],
    headersSize,
    sectionTable,
    sections,
  };
}

/**
 * What UEFI firmware measures of a program: everything but the checksum, the certificate table and its entry.
 * Source: Microsoft, Windows Authenticode Portable Executable Signature Format, "Calculating the PE Image Hash".
 *
 * @throws {InputError} INPUT_INVALID for a file that is no portable executable
 */
export function authenticodeDigest(file: Uint8Array, algorithm: DigestName): Uint8Array {
  const { bytes, optional, certificateEntry, headersSize, sections } = readPortable(file);
  const checksum = optional + OPTIONAL.checksum;
  const certificateSize = bytes.readUInt32LE(certificateEntry + 4);
  if (certificateSize > bytes.length) throw malformed("its certificate table is not in it");
  const hash = createHash(algorithm)
    .update(bytes.subarray(0, checksum))
    .update(bytes.subarray(checksum + 4, certificateEntry))
    .update(bytes.subarray(certificateEntry + 8, headersSize));
  let hashed = headersSize;
  const present = sections.filter(({ rawSize }) => rawSize > 0);
  for (const { offset, rawSize } of [...present].sort((a, b) => a.offset - b.offset)) {
    hash.update(bytes.subarray(offset, offset + rawSize));
    hashed += rawSize;
  }
  const end = bytes.length - certificateSize;
  if (end > hashed) hash.update(bytes.subarray(hashed, end));
  const short = end % 8;
  if (short !== 0) hash.update(new Uint8Array(8 - short));
  return new Uint8Array(hash.digest());
}

/** The certificate table, where signers left what they signed; empty for a file without one. */
export function certificateTable(file: Uint8Array): Uint8Array {
  const { bytes, certificateEntry } = readPortable(file);
  const offset = bytes.readUInt32LE(certificateEntry);
  return bytes.subarray(offset, offset + bytes.readUInt32LE(certificateEntry + 4));
}

/** The content of a section in memory: as long as its header says, with zeros where the file has less; null where there is none. */
export function sectionInMemory(file: Uint8Array, name: string): Uint8Array | null {
  const { bytes, sections } = readPortable(file);
  const found = sections.find((section) => section.name === name);
  if (found === undefined) return null;
  const { offset, rawSize, virtualSize } = found;
  if (virtualSize > MAX_SECTION) throw malformed(`its section ${name} is longer than any`);
  if (rawSize >= virtualSize) return bytes.subarray(offset, offset + virtualSize);
  const content = new Uint8Array(virtualSize);
  content.set(bytes.subarray(offset, offset + rawSize));
  return content;
}

const align = (value: number, to: number): number => Math.ceil(value / to) * to;

/**
 * A copy of `stub` with sections added after its own.
 *
 * @throws {InputError} INPUT_INVALID for a stub whose headers have no room
 */
export function addSections(
  stub: Uint8Array,
  added: readonly (readonly [name: string, content: Uint8Array])[],
): Uint8Array {
  const { bytes, pe, optional, headersSize, sectionTable, sections } = readPortable(stub);
  const sectionAlignment = bytes.readUInt32LE(optional + OPTIONAL.sectionAlignment);
  const fileAlignment = bytes.readUInt32LE(optional + OPTIONAL.fileAlignment);
  if (sectionTable + (sections.length + added.length) * SECTION_SIZE > headersSize)
    throw malformed("its headers have no room for more sections");
  const head = Buffer.from(bytes);
  const pad = (length: number): Uint8Array => new Uint8Array(align(length, fileAlignment) - length);
  const parts: Uint8Array[] = [head, pad(head.length)];
  let offset = align(head.length, fileAlignment);
  let address = Math.max(
    ...sections.map((section) => section.address + Math.max(section.virtualSize, section.rawSize)),
  );
  added.forEach(([name, content], index) => {
    const at = sectionTable + (sections.length + index) * SECTION_SIZE;
    address = align(address, sectionAlignment);
    const rawSize = align(content.length, fileAlignment);
    head.fill(0, at, at + SECTION_SIZE);
    head.write(name, at, "latin1");
    head.writeUInt32LE(content.length, at + SECTION.virtualSize);
    head.writeUInt32LE(address, at + SECTION.address);
    head.writeUInt32LE(rawSize, at + SECTION.rawSize);
    head.writeUInt32LE(offset, at + SECTION.offset);
    head.writeUInt32LE(READABLE_DATA, at + SECTION.characteristics);
    parts.push(content, pad(content.length));
    address += content.length;
    offset += rawSize;
  });
  head.writeUInt16LE(sections.length + added.length, pe + COFF.sections);
  head.writeUInt32LE(align(address, sectionAlignment), optional + OPTIONAL.imageSize);
  head.writeUInt32LE(0, optional + OPTIONAL.checksum);
  return new Uint8Array(Buffer.concat(parts));
}
