/** The files of `npm run build:image`, read as the measurements need them. */

import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import type { BootFiles } from "../../image/uki.ts";
import { unreadable } from "../../endorsements/files/unreadable.ts";
import { readInput } from "../input-file.ts";

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

export function readBootFiles(folder: string): BootFiles {
  return {
    kernel: readInput(join(folder, "vmlinuz")),
    initrd: readInput(join(folder, "initrd.zst")),
    cmdline: Buffer.from(readInput(join(folder, "cmdline"))).toString("utf8"),
  };
}
