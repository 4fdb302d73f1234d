/** The files of `npm run build:image`, read as the measurements need them. */

import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import type { BootFiles } from "../../image/uki.ts";
import { unreadable } from "../../endorsements/files/unreadable.ts";
import { readInput, readInputText } from "../input-file.ts";

/** The first bytes of a file that may be as long as a disk. @throws {InputError} INPUT_NOT_FOUND */
export function readStart(path: string, length: number): Uint8Array {
  const bytes = Buffer.alloc(length);
  try {
    const fd = openSync(path, "r");
    try {
      return new Uint8Array(bytes.subarray(0, readSync(fd, bytes, 0, length, 0)));
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** Bytes: some times what our image has. */
const MAX_IMAGE_FILE_BYTES = 512 * 1024 * 1024;

/** @throws {InputError} INPUT_NOT_FOUND, INPUT_TOO_LARGE */
export function readImageFile(folder: string, name: string): Uint8Array<ArrayBuffer> {
  return readInput(join(folder, name), MAX_IMAGE_FILE_BYTES);
}

export function readBootFiles(folder: string): BootFiles {
  return {
    kernel: readImageFile(folder, "vmlinuz"),
    initrd: readImageFile(folder, "initrd.zst"),
    cmdline: readInputText(join(folder, "cmdline")),
  };
}
