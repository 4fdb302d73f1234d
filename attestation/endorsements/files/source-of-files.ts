import type { AmdEndorsements } from "../../amd/amd-endorsements.ts";
import type { NvidiaEndorsements } from "../../nvidia/nvidia-endorsements.ts";
import type { Crl } from "../../x509/crl.ts";
import { needsOf, type EndorsementSource } from "../endorsement-source.ts";
import { poolFiles, type EndorsementPool } from "./endorsement-pool.ts";
import { createIntelFiles } from "./intel-files.ts";
import type { NamedFile } from "./named-file.ts";

/**
 * Endorsements from files in memory.
 *
 * @throws {EndorsementError} ENDORSEMENT_MALFORMED naming the file
 */
export function createSourceOfFiles(files: readonly NamedFile[]): EndorsementSource {
  const pool = poolFiles(files);
  const intel = createIntelFiles(pool);
  const amd = amdEndorsements(pool);
  const nvidia = nvidiaEndorsements(pool);
  return {
    // eslint-disable-next-line @typescript-eslint/require-await -- a source may have to wait; this one has read everything
    find: async (evidence, now) => {
      const needs = needsOf(evidence);
      return {
        ...(needs.intel !== null && { intel: intel.find(needs.intel, now) }),
        ...(needs.amd !== null && { amd }),
        ...(needs.nvidia !== null && nvidia !== null && { nvidia }),
      };
    },
  };
}

/** Null where the files say nothing of revocation: then it was not checked. */
function nvidiaEndorsements({ ocsp, crls }: EndorsementPool): NvidiaEndorsements | null {
  if (ocsp.length + crls.length === 0) return null;
  return { ocsp, crls: crls.map(({ crl }) => crl) };
}

/** All of it: the verifier picks the certificate for the chip, and looks only at lists of its issuer. */
function amdEndorsements({ certificates, crls }: EndorsementPool): AmdEndorsements {
  const lists: readonly Crl[] = crls.map(({ crl }) => crl);
  return { certificates, crls: lists };
}
