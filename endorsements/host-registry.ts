/**
 * Google's registry of the hosts of its confidential VMs: an object for each PPID in a public bucket. Or a file of it.
 *
 * Source: github.com/google/go-tdx-guest, `gce/provenance.go` (FetchProvenanceData), as of November 2026.
 */

import { basename, extname } from "node:path";
import { parseJsonEvidence } from "../attestation/evidence/json-evidence.ts";
import type { HostRegistry } from "../attestation/verdict/host-registry.ts";
import type { Hex } from "../protocol/bytes.ts";
import type { Json } from "../protocol/canonical-json.ts";
import { AdytonError, EndorsementError, InputError } from "../protocol/errors.ts";
import { readBounded } from "./files/read-bounded.ts";
import { fetchDocument, type HttpOptions } from "./http-document.ts";

/**
 * Asks `base`, a bucket such as `https://storage.googleapis.com/BUCKET`. Its transport is all that says that it is Google's.
 *
 * @throws {InputError} INPUT_INVALID for what is no https URL
 */
export function createHostRegistry(base: string, http: HttpOptions): HostRegistry {
  if (!URL.canParse(base) || new URL(base).protocol !== "https:") {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `${base} is no https URL of a registry's bucket`,
    });
  }
  return {
    source: new URL(base).host,
    find: async (ppid) => {
      try {
        const { bytes } = await fetchDocument(`${base.replace(/\/+$/, "")}/${ppid.slice(2)}`, http);
        return describe(readRecord(bytes, "the registry of hosts"));
      } catch (error) {
        if (error instanceof EndorsementError && error.details["status"] === NOT_FOUND) return null;
        throw error;
      }
    },
  };
}

const NOT_FOUND = 404;

/**
 * Reads one object of the registry under the name that it has there, its PPID; or an object of such objects by PPID.
 *
 * @throws {InputError} INPUT_NOT_FOUND when it cannot be read, INPUT_TOO_LARGE
 * @throws {EndorsementError} ENDORSEMENT_MALFORMED
 */
export function readHostRegistry(path: string): HostRegistry {
  const record = readRecord(readBounded(path), path);
  const name = basename(path, extname(path)).toLowerCase();
  const byPpid = new Map<string, Json>(
    PPID.test(name)
      ? [[name, record]]
      : Object.entries(record).map(([ppid, host]) => [ppid.toLowerCase().replace(/^0x/, ""), host] as const),
  );
  return {
    source: basename(path),
    // eslint-disable-next-line @typescript-eslint/require-await -- a registry may have to wait; this one has read everything
    find: async (ppid: Hex) => {
      const host = byPpid.get(ppid.slice(2));
      return host === undefined ? null : describe(host);
    },
  };
}

const PPID = /^[0-9a-f]{32}$/;

/** @param source whose answer it is, for the message */
function readRecord(bytes: Uint8Array, source: string): { readonly [key: string]: Json } {
  let cause: unknown;
  try {
    const json = parseJsonEvidence(bytes);
    if (typeof json === "object" && json !== null && !Array.isArray(json))
      return json as { readonly [key: string]: Json };
  } catch (error) {
    if (!(error instanceof AdytonError)) throw error;
    cause = error;
  }
  throw new EndorsementError({
    code: "ENDORSEMENT_MALFORMED",
    message: `cannot read ${source}: a registry of hosts is a JSON object, in which no member stands twice`,
    details: { endorsement: "host registry" },
    cause,
  });
}

/** Characters of what is shown: a record names a place, and is written by a stranger. */
const MAX_SHOWN = 200;

function describe(host: Json): string {
  const members =
    typeof host === "object" && host !== null ? Object.entries(host) : [["host", host] as const];
  const shown = members.map(
    ([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  const text = shown.join(", ").replaceAll(/[^\x20-\x7e]/g, "?");
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
