import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { InputError } from "../../protocol/errors.ts";

/**
 * Makes `folder` and those above it, where they are not there yet: one by one, since Node's recursive `mkdir` never returns below
 * /proc, and people name any folder.
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
