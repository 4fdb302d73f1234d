/**
 * What firmware measures of a disk's partition table, before it starts a program from it: UEFI_GPT_DATA.
 * Source: TCG PC Client Platform Firmware Profile 1.06 §10.2.6 (EV_EFI_GPT_EVENT); UEFI 2.10 §5.3.2 (header).
 */

import { concatBytes } from "../protocol/bytes.ts";
import { InputError } from "../protocol/errors.ts";
import { sha384 } from "./digest.ts";

const SECTOR = 512;
const HEADER_LENGTH = 92;
const HEADER = { size: 12, entries: 72, count: 80, entrySize: 84 } as const;
const TYPE_LENGTH = 16;
const MAX_ENTRIES = 1_024;

/** @param start of the disk: its first megabyte holds the table @throws {InputError} INPUT_INVALID */
export function gptEventDigest(start: Uint8Array): Uint8Array {
  const bytes = Buffer.from(start.buffer, start.byteOffset, start.byteLength);
  if (bytes.length < 2 * SECTOR || bytes.toString("latin1", SECTOR, SECTOR + 8) !== "EFI PART")
    throw malformed("it has no partition table (GPT)");
  const header = bytes.subarray(SECTOR, SECTOR + HEADER_LENGTH);
  const first = Number(header.readBigUInt64LE(HEADER.entries)) * SECTOR;
  const count = header.readUInt32LE(HEADER.count);
  const size = header.readUInt32LE(HEADER.entrySize);
  if (header.readUInt32LE(HEADER.size) !== HEADER_LENGTH || count > MAX_ENTRIES || size < 128 || size > 4096)
    throw malformed("its partition table is of another form");
  if (first + count * size > bytes.length) throw malformed("its partition table is not in its first part");
  const entries = Array.from({ length: count }, (_, index) =>
    bytes.subarray(first + index * size, first + (index + 1) * size),
  ).filter((entry) => entry.subarray(0, TYPE_LENGTH).some((byte) => byte !== 0));
  const used = Buffer.alloc(8);
  used.writeBigUInt64LE(BigInt(entries.length));
  return sha384(concatBytes(header, used, ...entries));
}

function malformed(message: string): InputError {
  return new InputError({
    code: "INPUT_INVALID",
    message: `not a disk that firmware starts from: ${message}`,
  });
}
