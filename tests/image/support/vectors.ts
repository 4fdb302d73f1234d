/** Vendor data read where it lies, and a firmware of our own in its shape, for machines without it. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { guidBytes } from "../../../image/snp-firmware.ts";
import { VECTORS_FOLDER } from "../../support/vectors/config.ts";

export const HAS_IMAGE_VECTORS = existsSync(join(VECTORS_FOLDER, "image"));
export const WITHOUT_IMAGE_VECTORS =
  "SKIPPED: no folder of vendor data (ADYTON_VECTORS), so measurements were compared with values of our own only";

export function vector(path: string): Uint8Array {
  return readFileSync(join(VECTORS_FOLDER, path));
}

const guid = (text: string): Buffer => Buffer.from(guidBytes(text));

export interface TwinOptions {
  /** Sections as [guest address, size, type]. */
  readonly sections?: readonly (readonly [number, number, number])[];
  readonly fill?: number;
}

/** The end of an AmdSev OVMF: sections, table of GUIDs, reset vector. Two pages. */
export function twinSnpFirmware({ sections = TWIN_SECTIONS, fill = 0xa5 }: TwinOptions = {}): Uint8Array {
  const firmware = Buffer.alloc(8192, fill);
  const metadata = Buffer.alloc(16 + sections.length * 12);
  metadata.write("ASEV", "latin1");
  metadata.writeUInt32LE(metadata.length, 4);
  metadata.writeUInt32LE(1, 8);
  metadata.writeUInt32LE(sections.length, 12);
  sections.flat().forEach((word, index) => {
    metadata.writeUInt32LE(word, 16 + index * 4);
  });
  const metadataAt = 4096;
  metadata.copy(firmware, metadataAt);
  const word = (value: number, name: string): Buffer => {
    const entry = Buffer.alloc(22);
    entry.writeUInt32LE(value, 0);
    entry.writeUInt16LE(22, 4);
    guid(name).copy(entry, 6);
    return entry;
  };
  const entries = Buffer.concat([
    word(0x810c00, "7255371f-3a3b-4b04-927b-1da6efa8d454"),
    word(0x80b004, "00f771de-1a7e-4fcb-890e-68c77e2fb44e"),
    word(firmware.length - metadataAt, "dc886566-984a-4798-a75e-5585a7bf67cc"),
  ]);
  const footer = Buffer.alloc(18);
  footer.writeUInt16LE(entries.length + 18, 0);
  guid("96b582de-1fb2-45f7-baea-a366c55a082d").copy(footer, 2);
  Buffer.concat([entries, footer]).copy(firmware, firmware.length - 32 - footer.length - entries.length);
  return new Uint8Array(firmware);
}

const TWIN_SECTIONS = [
  [0x800000, 0x9000, 1],
  [0x80a000, 0x3000, 1],
  [0x80d000, 0x1000, 2],
  [0x80e000, 0x1000, 3],
  [0x80f000, 0x1000, 4],
  [0x810000, 0x1000, 0x10],
] as const;

/** A program for 64 bits with one section for each of `sections`, without a signature. */
export function twinProgram(sections: Readonly<Record<string, string>>, trailing = ""): Uint8Array {
  const names = Object.keys(sections);
  const headersSize = 1024;
  const header = Buffer.alloc(headersSize);
  header.write("MZ", "latin1");
  header.writeUInt32LE(0x80, 0x3c);
  header.write("PE\0\0", 0x80, "latin1");
  header.writeUInt16LE(names.length, 0x86);
  header.writeUInt16LE(240, 0x94);
  const optional = 0x98;
  header.writeUInt16LE(0x20b, optional);
  header.writeUInt32LE(4096, optional + 32);
  header.writeUInt32LE(512, optional + 36);
  header.writeUInt32LE(4096 * (names.length + 1), optional + 56);
  header.writeUInt32LE(headersSize, optional + 60);
  const contents = names.map((name, index) => {
    const content = Buffer.alloc(512);
    content.write(sections[name] ?? "");
    const at = optional + 240 + index * 40;
    header.write(name, at, "latin1");
    header.writeUInt32LE(Buffer.byteLength(sections[name] ?? ""), at + 8);
    header.writeUInt32LE(4096 * (index + 1), at + 12);
    header.writeUInt32LE(512, at + 16);
    header.writeUInt32LE(headersSize + index * 512, at + 20);
    return content;
  });
  return new Uint8Array(Buffer.concat([header, ...contents, Buffer.from(trailing)]));
}

/** A kernel of protocol 2.15 as far as its setup header goes, which is also a program for firmware. */
export function twinKernel(text = "a kernel"): Uint8Array {
  const program = Buffer.from(twinProgram({ ".text": text, ".more": "x".repeat(500) }));
  const kernel = Buffer.concat([program, Buffer.alloc(8192 - program.length)]);
  kernel.write("HdrS", 0x202, "latin1");
  kernel.writeUInt16LE(0x20f, 0x206);
  kernel.writeUInt8(1, 0x211);
  kernel.writeUInt16LE(0x7f, 0x236);
  return new Uint8Array(kernel);
}
