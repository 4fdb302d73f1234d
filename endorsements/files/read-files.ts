import { readdirSync, statSync, type Dirent } from "node:fs";
import { extname, join } from "node:path";
import type { NamedFile } from "../../attestation/endorsements/files/named-file.ts";
import { EndorsementError, InputError } from "../../protocol/errors.ts";
import { readBounded, tooLarge } from "./read-bounded.ts";
import { unreadable } from "./unreadable.ts";

/** The files that are read from a folder; others in it (a README, a quote) are no endorsements. */
const EXTENSIONS: ReadonlySet<string> = new Set([
  ".json",
  ".pem",
  ".der",
  ".crt",
  ".cer",
  ".cert",
  ".crl",
  ".ocsp",
]);

/** Bytes of one file and of all files of a folder, files of one, and whatever else is in it: a wrong path such as `/` ends in an error. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;
const MAX_FOLDER_BYTES = 64 * 1024 * 1024;
const MAX_FILES = 4_096;
const MAX_ENTRIES = 65_536;

/**
 * The file at `path`, or the endorsement files in the folder at `path` and below it, in the order of their names. Links in a folder are
 * not followed.
 *
 * @throws {InputError} INPUT_NOT_FOUND, INPUT_TOO_LARGE
 */
export function readFiles(path: string): readonly NamedFile[] {
  if (!isFolder(path)) return [{ name: path, bytes: readBounded(path, MAX_FILE_BYTES) }];
  const paths = findFiles(path);
  if (paths.length > MAX_FILES)
    throw new InputError({ code: "INPUT_TOO_LARGE", message: `${path} holds more than ${MAX_FILES} files` });
  if (paths.length === 0) {
    throw new EndorsementError({
      code: "ENDORSEMENT_UNAVAILABLE",
      message: `${path} holds no endorsements (${[...EXTENSIONS].join(" ")})`,
    });
  }
  let bytesLeft = MAX_FOLDER_BYTES;
  return paths.map((name) => {
    const bytes = readBounded(name, MAX_FILE_BYTES);
    bytesLeft -= bytes.length;
    if (bytesLeft < 0) throw tooLarge(path, MAX_FOLDER_BYTES);
    return { name, bytes };
  });
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function findFiles(folder: string): readonly string[] {
  const found: string[] = [];
  let entriesLeft = MAX_ENTRIES;
  for (const folders = [folder]; folders.length > 0;) {
    const path = folders.pop() ?? folder;
    const entries = listFolder(path);
    entriesLeft -= entries.length;
    if (entriesLeft < 0) {
      throw new InputError({
        code: "INPUT_TOO_LARGE",
        message: `${folder} holds more than ${MAX_ENTRIES} files: name the folder of the endorsements`,
      });
    }
    for (const entry of entries) {
      const name = join(path, entry.name);
      if (entry.isDirectory()) folders.push(name);
      else if (entry.isFile() && EXTENSIONS.has(extname(name).toLowerCase())) found.push(name);
    }
  }
  return found.sort();
}

function listFolder(path: string): readonly Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (cause) {
    throw unreadable(path, cause);
  }
}
