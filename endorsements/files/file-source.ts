import type { EndorsementSource } from "../../attestation/endorsements/endorsement-source.ts";
import { createSourceOfFiles } from "../../attestation/endorsements/files/source-of-files.ts";
import { readFiles } from "./read-files.ts";

/**
 * Endorsements from a file or a folder, read once: for machines without a network, and for judging as of another day.
 *
 * @throws {InputError} when the path cannot be read
 * @throws {EndorsementError} ENDORSEMENT_MALFORMED naming the file, ENDORSEMENT_UNAVAILABLE when there is none
 */
// eslint-disable-next-line @typescript-eslint/require-await -- a user awaits it, whatever reads the files one day
export async function createFileSource(path: string): Promise<EndorsementSource> {
  return createSourceOfFiles(readFiles(path));
}

export { createSourceOfFiles };
