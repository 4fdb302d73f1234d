/** Files that somebody named: never more of one than it may have. */

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { InputError } from "../../protocol/errors.ts";
import { unreadable } from "./unreadable.ts";

/** Bytes of any file that a command is given, where it says nothing else: the longest is a receipt. */
export const MAX_INPUT_BYTES = 16 * 1024 * 1024;

const FIRST_BYTES = 64 * 1024;

/**
 * The whole of the file at `path`. Counted while it is read: a device has no size to ask for, a pipe ends when its writer likes, and a
 * file grows.
 *
 * @throws {InputError} INPUT_NOT_FOUND when it cannot be read, INPUT_TOO_LARGE
 */
export function readBounded(path: string, maxBytes = MAX_INPUT_BYTES): Uint8Array<ArrayBuffer> {
  try {
    const descriptor = openSync(path, "r");
    try {
      return readOpened(descriptor, { path, maxBytes });
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw unreadable(path, cause);
  }
}

interface Named {
  readonly path: string;
  readonly maxBytes: number;
}

/** Into one buffer that grows with what comes: a pipe may give single bytes. */
function readOpened(descriptor: number, { path, maxBytes }: Named): Uint8Array<ArrayBuffer> {
  const { size } = fstatSync(descriptor);
  if (size > maxBytes) throw tooLarge(path, maxBytes);
  let room = new Uint8Array(Math.max(size, FIRST_BYTES) + 1);
  let length = 0;
  for (;;) {
    const read = readSync(descriptor, room, length, room.length - length, null);
    if (read === 0) return room.slice(0, length);
    length += read;
    if (length > maxBytes) throw tooLarge(path, maxBytes);
    if (length === room.length) {
      const wider = new Uint8Array(2 * room.length);
      wider.set(room);
      room = wider;
    }
  }
}

/** The error about a file that has more than it may have. */
export function tooLarge(path: string, maxBytes: number): InputError {
  return new InputError({
    code: "INPUT_TOO_LARGE",
    message: `${path} is longer than ${maxBytes} bytes`,
    details: { maxBytes },
  });
}
