/** Folders that people name: made one by one, since Node's recursive `mkdir` never returns below /proc. */

import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { InputError } from "../protocol/errors.ts";

/**
 * Makes `folder` and those above it, where they are not there yet.
 *
 * @throws {InputError} INPUT_INVALID when one of them is a file, or cannot be made
 */
export function createFolder(folder: string): void {
  const path = resolve(folder);
  const there = statSync(path, { throwIfNoEntry: false });
  if (there?.isDirectory() === true) return;
  if (there !== undefined) throw refused(path, "it is a file");
  const parent = dirname(path);
  if (parent !== path) createFolder(parent);
  try {
    mkdirSync(path);
  } catch (cause) {
    // Somebody else was faster, which is as well.
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") return;
    throw refused(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function refused(path: string, why: string, cause?: unknown): InputError {
  return new InputError({ code: "INPUT_INVALID", message: `cannot make the folder ${path}: ${why}`, cause });
}

/** Says that a folder is a network's, which the next one empties. */
const MARK = "made-by-adyton";

/**
 * Makes `folder`, or empties it where it is a network's of before.
 *
 * @throws {InputError} INPUT_INVALID when there are files in it that no network made: they are left alone
 */
export function emptyOwnFolder(folder: string): void {
  createFolder(folder);
  const names = readdirSync(folder);
  if (names.length > 0 && !names.includes(MARK)) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `${resolve(folder)} has files that no network of ours made, and would be emptied: name another folder`,
    });
  }
  for (const name of names) rmSync(join(folder, name), { recursive: true, force: true });
  writeFileSync(join(folder, MARK), "Emptied when a network starts here again.\n");
}
