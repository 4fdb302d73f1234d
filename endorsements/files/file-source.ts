import type { AmdEndorsements } from "../../attestation/amd/amd-endorsements.ts";
import type { Crl } from "../../attestation/x509/crl.ts";
import { needsOf, type EndorsementSource } from "../endorsement-source.ts";
import { poolFiles, type EndorsementPool } from "./endorsement-pool.ts";
import { createIntelFiles } from "./intel-files.ts";
import { readFiles, type NamedFile } from "./read-files.ts";

/**
 * Endorsements from a file or a folder, read once: for machines without a network, and for judging as of another day.
 *
 * @throws {InputError} when the path cannot be read
 * @throws {EndorsementError} ENDORSEMENT_MALFORMED naming the file, ENDORSEMENT_UNAVAILABLE when there is none
 */
export async function createFileSource(path: string): Promise<EndorsementSource> {
  return createSourceOfFiles(await readFiles(path));
}

/** `createFileSource` for what is already in memory. */
export function createSourceOfFiles(files: readonly NamedFile[]): EndorsementSource {
  const pool = poolFiles(files);
  const intel = createIntelFiles(pool);
  const amd = amdEndorsements(pool);
  return {
    // eslint-disable-next-line @typescript-eslint/require-await -- a source may have to wait; this one has read everything
    find: async (evidence, now) => {
      const needs = needsOf(evidence);
      return {
        ...(needs.intel !== null && { intel: intel.find(needs.intel, now) }),
        ...(needs.amd !== null && { amd }),
      };
    },
  };
}

/** All of it: the verifier picks the certificate for the chip, and looks only at lists of its issuer. */
function amdEndorsements({ certificates, crls }: EndorsementPool): AmdEndorsements {
  const lists: readonly Crl[] = crls.map(({ crl }) => crl);
  return { certificates, crls: lists };
}
