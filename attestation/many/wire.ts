/** The messages between a batch's worker and its caller: plain values, since threads share no objects. */

import {
  type AdytonError,
  EndorsementError,
  EvidenceError,
  type EndorsementErrorCode,
  type ErrorDetails,
  type EvidenceErrorCode,
} from "../../protocol/errors.ts";
import { parseAmdEndorsements } from "../amd/amd-endorsements.ts";
import type { Endorsements } from "../endorsements/endorsements.ts";
import { checksOf, keepChecks, type CheckOutcome } from "../evidence/check-list.ts";
import type { EvidenceKind, Findings } from "../evidence/verified-evidence.ts";
import { parseIntelEndorsements, type IntelCollateral } from "../intel/intel-endorsements.ts";
import { parseNvidiaEndorsements, type NvidiaEndorsementFiles } from "../nvidia/nvidia-endorsements.ts";
import type { UnixSeconds } from "../time/unix-time.ts";

export interface EndorsementFiles {
  readonly intel: IntelCollateral | null;
  readonly amd: { readonly certificates: readonly Uint8Array[]; readonly crls: readonly Uint8Array[] } | null;
  readonly nvidia: NvidiaEndorsementFiles | null;
}

/** Endorsements are for every task that comes after them, until others come. */
export type ToWorker =
  | { readonly endorsements: EndorsementFiles }
  | { readonly task: number; readonly pieces: readonly Uint8Array[]; readonly now: UnixSeconds };

export interface FromWorker {
  readonly task: number;
  readonly results: readonly SentResult[];
}

export type SentResult =
  | { readonly ok: true; readonly findings: Findings<EvidenceKind> }
  | { readonly ok: false; readonly error: SentError };

interface SentError {
  readonly name: "EvidenceError" | "EndorsementError";
  readonly code: string;
  readonly message: string;
  readonly details: ErrorDetails;
  readonly checks: readonly SentCheck[];
}

type SentCheck =
  | Exclude<CheckOutcome, { readonly ok: false }>
  | (Omit<Extract<CheckOutcome, { readonly ok: false }>, "error"> & { readonly error: SentError });

export function toEndorsementFiles({ intel, amd, nvidia }: Endorsements): EndorsementFiles {
  const toFiles = (all: readonly { readonly der: Uint8Array }[]): readonly Uint8Array[] =>
    all.map(({ der }) => der);
  return {
    intel: intel?.collateral ?? null,
    amd: amd === undefined ? null : { certificates: toFiles(amd.certificates), crls: toFiles(amd.crls) },
    nvidia: nvidia === undefined ? null : { ocsp: toFiles(nvidia.ocsp), crls: toFiles(nvidia.crls) },
  };
}

/** @throws {EndorsementError} ENDORSEMENT_MALFORMED, for what was no endorsement before either */
export function fromEndorsementFiles({ intel, amd, nvidia }: EndorsementFiles): Endorsements {
  return {
    ...(intel === null ? {} : { intel: parseIntelEndorsements(intel) }),
    ...(amd === null ? {} : { amd: parseAmdEndorsements(amd) }),
    ...(nvidia === null ? {} : { nvidia: parseNvidiaEndorsements(nvidia) }),
  };
}

/** Anything but an error about evidence or endorsements is a bug, and stays what it is. */
export function encodeError(error: unknown): SentError {
  if (!(error instanceof EvidenceError) && !(error instanceof EndorsementError)) throw error;
  const name = error instanceof EvidenceError ? "EvidenceError" : "EndorsementError";
  const { code, message, details } = error;
  const checks = checksOf(error).map((check) =>
    check.ok === false ? { ...check, error: encodeWithoutChecks(check.error) } : check,
  );
  return { name, code, message, details, checks };
}

function encodeWithoutChecks(error: AdytonError): SentError {
  const name = error instanceof EvidenceError ? "EvidenceError" : "EndorsementError";
  return { name, code: error.code, message: error.message, details: error.details, checks: [] };
}

export function decodeError(sent: SentError): EvidenceError | EndorsementError {
  const { message, details, checks } = sent;
  const error =
    sent.name === "EvidenceError"
      ? new EvidenceError({ code: sent.code as EvidenceErrorCode, message, details })
      : new EndorsementError({ code: sent.code as EndorsementErrorCode, message, details });
  if (checks.length > 0) {
    keepChecks(
      error,
      checks.map((check) => (check.ok === false ? { ...check, error: decodeError(check.error) } : check)),
    );
  }
  return error;
}
