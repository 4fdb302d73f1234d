/**
 * MRTD of a TDVF: SHA-384 over the records of MEM.PAGE.ADD and MR.EXTEND, in the order in which the host adds pages.
 * Source: Intel TDX Module ABI (348551), TDH.MEM.PAGE.ADD and TDH.MR.EXTEND; Intel TDX Virtual Firmware Design Guide, 11.
 */

import { createHash } from "node:crypto";
import { InputError } from "../protocol/errors.ts";

/** QEMU 9.1 and later, with the kernel's own support, add and extend page by page; QEMU 8 with Intel's patches adds all first. */
export type PageOrder = "page by page" | "add, then extend";

const PAGE = 4096;
const CHUNK = 256;
const RECORD = 128;
const DESCRIPTOR = { version: 8, count: 12, sections: 16, section: 32 } as const;
const SECTION = { offset: 0, address: 8, size: 16, attributes: 28 } as const;
const ATTRIBUTE = { extend: 1, augment: 2 } as const;
const MAX_SECTIONS = 64;
/** Bytes: the whole of what a descriptor may name, so that a wrong one does not run for hours. */
const MAX_TOTAL = 256 * 1024 * 1024;

/** @throws {InputError} INPUT_INVALID for a file without a TDVF descriptor, or with one that does not fit it */
export function mrTd(file: Uint8Array, order: PageOrder): Uint8Array {
  const firmware = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const hash = createHash("sha384");
  const record = (name: string, gpa: bigint): void => {
    const bytes = Buffer.alloc(RECORD);
    bytes.write(name, "latin1");
    bytes.writeBigUInt64LE(gpa, 16);
    hash.update(bytes);
  };
  for (const { data, address, size, attributes } of readSections(firmware)) {
    const add = (page: number): void => {
      if ((attributes & ATTRIBUTE.augment) === 0) record("MEM.PAGE.ADD", address + BigInt(page));
    };
    const extend = (page: number): void => {
      if ((attributes & ATTRIBUTE.extend) === 0) return;
      for (let at = page; at < page + PAGE; at += CHUNK) {
        record("MR.EXTEND", address + BigInt(at));
        hash.update(firmware.subarray(data + at, data + at + CHUNK));
      }
    };
    const pages = Array.from({ length: size / PAGE }, (_, index) => index * PAGE);
    if (order === "page by page") {
      for (const page of pages) {
        add(page);
        extend(page);
      }
    } else {
      pages.forEach(add);
      pages.forEach(extend);
    }
  }
  return new Uint8Array(hash.digest());
}

interface TdvfSection {
  readonly data: number;
  readonly address: bigint;
  readonly size: number;
  readonly attributes: number;
}

function readSections(firmware: Buffer): readonly TdvfSection[] {
  const at = firmware.lastIndexOf("TDVF");
  if (at < 0 || at + DESCRIPTOR.sections > firmware.length)
    throw malformed("it has no TDVF descriptor: it is a build without TDX");
  if (firmware.readUInt32LE(at + DESCRIPTOR.version) !== 1)
    throw malformed("its descriptor is of another version");
  const count = firmware.readUInt32LE(at + DESCRIPTOR.count);
  const end = at + DESCRIPTOR.sections + count * DESCRIPTOR.section;
  if (count === 0 || count > MAX_SECTIONS || end > firmware.length)
    throw malformed("its descriptor is broken");
  let total = 0;
  return Array.from({ length: count }, (_, index) => {
    const start = at + DESCRIPTOR.sections + index * DESCRIPTOR.section;
    const section = {
      data: firmware.readUInt32LE(start + SECTION.offset),
      address: firmware.readBigUInt64LE(start + SECTION.address),
      size: Number(firmware.readBigUInt64LE(start + SECTION.size)),
      attributes: firmware.readUInt32LE(start + SECTION.attributes),
    };
    const extended = (section.attributes & ATTRIBUTE.extend) !== 0;
    const augmented = (section.attributes & ATTRIBUTE.augment) !== 0;
    if (!augmented) total += section.size;
    if (section.size % PAGE !== 0 || total > MAX_TOTAL)
      throw malformed("a section's size is none that there is");
    if (extended && section.data + section.size > firmware.length) throw malformed("a section is not in it");
    return section;
  });
}

function malformed(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message: `not a firmware for TDX: ${message}` });
}
