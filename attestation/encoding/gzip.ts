/** gzip of bounded cost (RFC 1952): a few bytes can claim to be gigabytes. */

import { Gunzip } from "fflate";
import { joinBytes } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";

/** The head of a member (§2.3). Put behind the input it tells where the input's one member ended: the inflater finds it there. */
const HEAD = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0);

/** Input bytes given to the inflater at a time. One may stand for 1032 bytes (RFC 1951): this is what is built before a look at the sum. */
const STEP_BYTES = 1_024;

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === HEAD[0] && bytes[1] === HEAD[1];
}

/** What may still be unpacked, of all that is compressed in one document. */
export interface UnpackBudget {
  bytesLeft: number;
}

/**
 * What `bytes` were before they were compressed, at most as many of it as `budget` has left. All that was unpacked is taken from
 * it, also of what turns out to be damaged: else a thousand bombs that are cut off would cost a thousand times as much.
 *
 * Memory: what is left, and about 1 MiB. The checksum is not compared: what comes out is untrusted in any case.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED when they are no gzip or end too early; EVIDENCE_UNSUPPORTED when they are
 *   more than is left
 */
export function gunzip(bytes: Uint8Array, budget: UnpackBudget): Uint8Array<ArrayBuffer> {
  const maxBytes = budget.bytesLeft;
  const claimed = claimedLength(bytes);
  const chunks: Uint8Array[] = [];
  const seen: { length: number; end?: number } = { length: 0 };
  const stream = new Gunzip((chunk) => {
    chunks.push(chunk);
    seen.length += chunk.length;
  });
  stream.onmember = (at) => (seen.end ??= at);
  try {
    // More than it claims makes it damaged already.
    const most = Math.min(maxBytes, claimed);
    for (let at = 0; at < bytes.length && seen.length <= most; at += STEP_BYTES)
      stream.push(bytes.subarray(at, at + STEP_BYTES));
    if (seen.length <= most) stream.push(HEAD);
  } catch (cause) {
    throw malformed("it is damaged", cause);
  } finally {
    budget.bytesLeft -= seen.length;
  }
  if (seen.length > maxBytes) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "gzip: it unpacks to more than any genuine evidence",
    });
  }
  if (seen.end !== bytes.length || claimed !== seen.length) throw malformed("it is cut off, or more follows");
  return joinBytes(chunks);
}

/** ISIZE (§2.3.1): the length, in the last four bytes, little-endian. */
function claimedLength(bytes: Uint8Array): number {
  return bytes.subarray(-4).reduceRight((value, byte) => value * 256 + byte, 0);
}

function malformed(message: string, cause?: unknown): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_MALFORMED", message: `gzip: ${message}`, cause });
}
