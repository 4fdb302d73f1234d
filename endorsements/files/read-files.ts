import { readdir, readFile, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import type { NamedFile } from "../../attestation/endorsements/files/named-file.ts";
import { EndorsementError, InputError } from "../../protocol/errors.ts";
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

/** Bytes of one file, and files of one folder: a wrong path such as `/` ends in an error and not in full memory. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;
const MAX_FILES = 4_096;

/**
 * The file at `path`, or the endorsement files in the folder at `path` and below it, in the order of their names.
 *
 * @throws {InputError} INPUT_NOT_FOUND, INPUT_TOO_LARGE
 */
export async function readFiles(path: string): Promise<readonly NamedFile[]> {
  const found = await stat(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  if (!found.isDirectory()) return [await readOne(path)];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && EXTENSIONS.has(extname(entry.name).toLowerCase()))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  if (paths.length > MAX_FILES)
    throw new InputError({ code: "INPUT_TOO_LARGE", message: `${path} holds more than ${MAX_FILES} files` });
  if (paths.length === 0) {
    throw new EndorsementError({
      code: "ENDORSEMENT_UNAVAILABLE",
      message: `${path} holds no endorsements (${[...EXTENSIONS].join(" ")})`,
    });
  }
  return await Promise.all(paths.map(readOne));
}

async function readOne(name: string): Promise<NamedFile> {
  const { size } = await stat(name);
  if (size > MAX_FILE_BYTES)
    throw new InputError({ code: "INPUT_TOO_LARGE", message: `${name} is too long`, details: { size } });
  try {
    return { name, bytes: new Uint8Array(await readFile(name)) };
  } catch (cause) {
    throw unreadable(name, cause);
  }
}
