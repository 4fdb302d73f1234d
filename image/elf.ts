/**
 * Of a program, what a loader maps. Symbols and debug information lie behind it in Node's own binary, a seventh of it: they would be
 * measured, sent and held in memory for nothing. Source: System V ABI, "Object Files" and "Program Loading" (ELF64, little-endian).
 */

import { InputError } from "../protocol/errors.ts";

const MAGIC = "\x7fELF\x02\x01\x01";
const HEADER_BYTES = 64;
/** Of the header: where both tables are, and how many entries of which size they have. */
const HEADER = { programs: 32, sections: 40, programSize: 54, programCount: 56, sectionCount: 60 } as const;
const PROGRAM = { bytes: 56, offset: 8, inFile: 32 } as const;

/**
 * The program up to the end of its last segment, with no table of sections.
 *
 * @throws {InputError} INPUT_INVALID for what is no ELF64 program, or says that a segment lies beyond its end
 */
export function loadedPart(program: Uint8Array): Uint8Array {
  const file = Buffer.from(program.buffer, program.byteOffset, program.byteLength);
  if (file.length < HEADER_BYTES || file.toString("latin1", 0, MAGIC.length) !== MAGIC)
    throw malformed("it does not begin as one");
  const table = readOffset(file, HEADER.programs);
  const count = file.readUInt16LE(HEADER.programCount);
  if (count === 0 || file.readUInt16LE(HEADER.programSize) !== PROGRAM.bytes)
    throw malformed("it has no segments of the form that this format has");
  let end = table + count * PROGRAM.bytes;
  if (end > file.length) throw malformed("its table of segments ends beyond its end");
  for (let index = 0; index < count; index += 1) {
    const at = table + index * PROGRAM.bytes;
    end = Math.max(end, readOffset(file, at + PROGRAM.offset) + readOffset(file, at + PROGRAM.inFile));
  }
  if (end > file.length) throw malformed("a segment ends beyond its end");
  const part = Buffer.from(file.subarray(0, end));
  part.writeBigUInt64LE(0n, HEADER.sections);
  // Their number, and which of them has their names.
  part.writeUInt32LE(0, HEADER.sectionCount);
  return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
}

/** What no file can have is as good as what is beyond its end. */
function readOffset(file: Buffer, at: number): number {
  return Number(file.readBigUInt64LE(at));
}

function malformed(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message: `not a program for x86-64: ${message}` });
}
