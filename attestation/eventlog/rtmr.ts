/**
 * Runtime measurement registers: replaying what was extended into them.
 *
 * Source: Intel, TDX Module ABI (348551), TDG.MR.RTMR.EXTEND: RTMR = SHA-384(RTMR ‖ digest), from 48 zero bytes.
 */

import { sha384 } from "@noble/hashes/sha2.js";
import { concatBytes, equalBytes } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";

export const RTMR_COUNT = 4;
export const RTMR_LENGTH = 48;

/** One extension, in order of its log. */
export interface RtmrExtension {
  /** 0 to 3. */
  readonly rtmr: number;
  /** 48 bytes. */
  readonly digest: Uint8Array;
}

/** The four registers after `extensions`, from zero. */
export function replayRtmrs(extensions: readonly RtmrExtension[]): readonly Uint8Array<ArrayBuffer>[] {
  return Array.from({ length: RTMR_COUNT }, (_, rtmr) =>
    extensions
      .filter((extension) => extension.rtmr === rtmr)
      .reduce(
        (value, { digest }) => new Uint8Array(sha384(concatBytes(value, digest))),
        new Uint8Array(RTMR_LENGTH),
      ),
  );
}

/**
 * Checks that a log replays to the register `rtmr` as evidence gives it; only then do its events mean anything.
 *
 * @throws {EvidenceError} EVIDENCE_BINDING_MISMATCH
 */
export function checkReplay(extensions: readonly RtmrExtension[], rtmr: number, expected: Uint8Array): void {
  const replayed = replayRtmrs(extensions)[rtmr];
  if (replayed === undefined || !equalBytes(replayed, expected)) {
    throw new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message: `the event log does not replay to RTMR${rtmr} of the evidence`,
      details: { rtmr },
    });
  }
}
