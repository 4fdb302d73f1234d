/** Files that a command line names: one that cannot be read is named, with the reason. */

import { readFileSync } from "node:fs";
import { unreadable } from "../endorsements/files/unreadable.ts";

/** @throws {InputError} INPUT_NOT_FOUND */
export function readInput(path: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** @throws {InputError} INPUT_NOT_FOUND */
export function readInputText(path: string): string {
  return Buffer.from(readInput(path)).toString("utf8");
}
