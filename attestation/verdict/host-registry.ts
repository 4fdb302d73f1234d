/** Where a machine stands, by a cloud's registry of its hosts: a statement that nobody signs, and so on its word. */

import type { Hex } from "../../protocol/bytes.ts";
import { EndorsementError } from "../../protocol/errors.ts";
import type { Check, VerifiedEvidence } from "../evidence/verified-evidence.ts";

export interface HostRegistry {
  /** Who says so: a server's name, or a file's. */
  readonly source: string;
  /**
   * What it says of the machine with this PPID, for a person; null where it does not list it.
   *
   * @throws {EndorsementError} it cannot be asked
   */
  readonly find: (ppid: Hex) => Promise<string | null>;
}

/** Characters of a PPID in hex with its prefix: 16 bytes. AMD's CHIP_ID has 64. */
const PPID_LENGTH = 34;

/**
 * Asks a registry about the machine that made `evidence`.
 *
 * @throws {EndorsementError} ENDORSEMENT_UNAVAILABLE: it does not list the machine, or the evidence names none
 */
export async function askHostRegistry(evidence: VerifiedEvidence, registry: HostRegistry): Promise<Check> {
  const { platformId } = evidence;
  if (platformId?.length !== PPID_LENGTH)
    throw unlisted(registry, "the evidence names no PPID, by which registries list their machines");

  const record = await registry.find(platformId);
  if (record === null) throw unlisted(registry, `it does not list the machine with PPID ${platformId}`);
  return {
    name: "place",
    link: "hardware",
    compared: "the platform's PPID with the registry of hosts",
    ok: true,
    state: "on its word",
    detail: `${registry.source} lists this machine: ${record}`,
  };
}

function unlisted({ source }: HostRegistry, why: string): EndorsementError {
  return new EndorsementError({
    code: "ENDORSEMENT_UNAVAILABLE",
    message: `where the machine stands cannot be told by ${source}: ${why}`,
    details: { endorsement: "host registry", source },
  });
}
