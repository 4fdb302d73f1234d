/** The options of `adyton verify` that concern evidence, read once and refused where they are not what they should be. */

import type { AppraisalPolicy, UnixSeconds } from "../../attestation/index.ts";
import type { HostRegistry } from "../../attestation/verdict/host-registry.ts";
import { fromHex, isHex, type Hex } from "../../protocol/bytes.ts";
import { EndorsementError, InputError } from "../../protocol/errors.ts";
import { readInput } from "../input-file.ts";
import type { SourceOptions } from "./from-source.ts";
import type { ReleaseOptions } from "./release.ts";

/** As they stand on the command line. */
export interface EvidenceOptions extends SourceOptions, ReleaseOptions {
  readonly endorsements?: string;
  /** Fetch from the vendors what is missing; text is the base URL of a PCCS. */
  readonly online?: boolean | string;
  readonly policy?: string;
  readonly time?: string;
  readonly nonce?: string;
  readonly reportData?: string;
  /** A file of a registry of hosts, or the https URL of its bucket. */
  readonly hosts?: string;
  readonly initPolicy?: string;
}

export interface EvidenceDemands {
  readonly now: UnixSeconds;
  readonly policy: AppraisalPolicy | null;
  readonly nonce: Hex | null;
  readonly reportData: Hex | null;
  readonly hosts: HostRegistry | undefined;
}

/** @throws {InputError} naming the option */
export async function readEvidenceDemands(options: EvidenceOptions): Promise<EvidenceDemands> {
  return {
    now: options.time === undefined ? Math.floor(Date.now() / 1000) : parseTime(options.time),
    policy: options.policy === undefined ? null : await readPolicy(options.policy),
    nonce: options.nonce === undefined ? null : parseHexOption("--nonce", options.nonce),
    reportData: options.reportData === undefined ? null : parseHexOption("--report-data", options.reportData),
    hosts: options.hosts === undefined ? undefined : await chooseRegistry(options.hosts),
  };
}

/** Milliseconds for one object of a public bucket. */
const REGISTRY_TIMEOUT_MS = 15_000;

async function chooseRegistry(place: string): Promise<HostRegistry> {
  const { createHostRegistry, readHostRegistry } = await import("../../endorsements/host-registry.ts");
  if (/^https:\/\//i.test(place)) return createHostRegistry(place, { fetch, timeoutMs: REGISTRY_TIMEOUT_MS });
  try {
    return readHostRegistry(place);
  } catch (error) {
    // As with other endorsements: a file that holds none is the evidence's misfortune, and nothing can be judged by it.
    if (!(error instanceof EndorsementError)) throw error;
    return { source: place, find: () => Promise.reject(error) };
  }
}

const ISO_TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** A date alone is its midnight in UTC; a time of day must name its zone, or it would depend on the machine's. */
function parseTime(text: string): UnixSeconds {
  const time = ISO_TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time) || time < 0 || !isInCalendar(text.slice(0, 10)))
    throw usage(`--time wants a time such as 2026-03-05T10:50:03Z or 2026-03-05, not '${text}'`);
  return Math.floor(time / 1000);
}

/** `Date` takes 31 February for 3 March. */
function isInCalendar(date: string): boolean {
  return new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
}

/** Most bytes of a nonce or report data: the longest field of any vendor is 1024 bytes (Nitro's public key). */
const MAX_OPTION_BYTES = 1_024;

function parseHexOption(option: string, text: string): Hex {
  const hex = text.toLowerCase().startsWith("0x") ? text.toLowerCase() : `0x${text.toLowerCase()}`;
  if (!isHex(hex) || hex === "0x" || fromHex(hex).length > MAX_OPTION_BYTES)
    throw usage(`${option} wants 1 to ${MAX_OPTION_BYTES} bytes of hex`);
  return hex;
}

/** @throws {InputError} INPUT_NOT_FOUND for a file that cannot be read, INPUT_INVALID for one that is no policy */
export async function readPolicy(path: string): Promise<AppraisalPolicy> {
  const bytes = readInput(path);
  const { parsePolicyFile } = await import("../../attestation/policy/policy-file.ts");
  return parsePolicyFile(bytes, path);
}

function usage(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
