/** The folder of a network, which the next one empties: only where a network made it. */

import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createFolder } from "../endorsements/files/create-folder.ts";
import { InputError } from "../protocol/errors.ts";

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
