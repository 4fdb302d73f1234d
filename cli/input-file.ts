/** Files that a command line names: one that cannot be read is named, with the reason. */

import { readBounded } from "../endorsements/files/read-bounded.ts";

/** @throws {InputError} INPUT_NOT_FOUND, INPUT_TOO_LARGE */
export function readInput(path: string, maxBytes?: number): Uint8Array<ArrayBuffer> {
  return readBounded(path, maxBytes);
}

/** @throws {InputError} INPUT_NOT_FOUND, INPUT_TOO_LARGE */
export function readInputText(path: string): string {
  return Buffer.from(readInput(path)).toString("utf8");
}
