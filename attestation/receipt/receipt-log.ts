/**
 * The log of what a keyset has signed (docs/reference/protocol.md, Receipt log): is this its head, is this statement in it,
 * and does this head continue that one?
 */

import { answerDigest } from "../../protocol/answer.ts";
import { fromHex, fromUtf8 } from "../../protocol/bytes.ts";
import { EvidenceError, type ErrorDetails, type EvidenceErrorCode } from "../../protocol/errors.ts";
import { keysetId, type Keyset } from "../../protocol/keyset.ts";
import { isConsistent, isIncluded } from "../../protocol/merkle-tree.ts";
import type { Receipt } from "../../protocol/receipt.ts";
import { LOG_PROOF_HEADER, logOrigin, statementLeaf } from "../../protocol/receipt-log.ts";
import type { Check } from "../evidence/verified-evidence.ts";
import {
  isSignedBy,
  MAX_NOTE_BYTES,
  parseCheckpointText,
  parseSignedNote,
  readHash,
  type Checkpoint,
} from "../log/signed-note.ts";

/** Hashes in a proof: the height of a tree of 2^63 leaves (c2sp.org/tlog-witness). */
const MAX_PROOF_HASHES = 63;

const INTEGER = /^(?:0|[1-9][0-9]{0,15})$/;

/** A head that the log key signed. It binds the log towards those who were shown it, and nobody else. */
export type VerifiedCheckpoint = Checkpoint;

/**
 * Verifies a checkpoint: a C2SP signed note of this keyset's log.
 *
 * Leaves to the caller: that evidence vouches for the keyset, and that others were shown the same head: without a witness or
 * a chain between them, two callers may have been shown two logs.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_BINDING_MISMATCH for another log, EVIDENCE_SIGNATURE_INVALID
 */
export function verifyCheckpoint(file: Uint8Array, keyset: Keyset): VerifiedCheckpoint {
  return verifyNote(readText(file), keyset);
}

function verifyNote(note: string, keyset: Keyset): VerifiedCheckpoint {
  const signed = parseSignedNote(note);
  const head = parseCheckpointText(signed.text);
  const origin = logOrigin(keysetId(keyset));
  if (head.origin !== origin) {
    const details = { expected: origin, actual: head.origin };
    throw failure("EVIDENCE_BINDING_MISMATCH", "the checkpoint is of another log", details);
  }
  if (!isSignedBy(signed, { name: origin, publicKey: fromHex(keyset.logKey, 32) }))
    throw failure("EVIDENCE_SIGNATURE_INVALID", "the keyset's log key did not sign this checkpoint");

  return head;
}

export interface VerifiedInclusion {
  readonly checkpoint: VerifiedCheckpoint;
  /** The statement's place in the log, from 0. */
  readonly index: number;
  readonly check: Check;
}

/**
 * Verifies that the log of the receipt's keyset has the receipt's statement.
 *
 * @param file C2SP tlog-proof
 * @throws {EvidenceError} as `verifyCheckpoint`; EVIDENCE_BINDING_MISMATCH when the statement is not in the log
 */
export function verifyInclusion(
  file: Uint8Array,
  { domain, answer, keyset }: Pick<Receipt, "domain" | "answer" | "keyset">,
): VerifiedInclusion {
  const { lines, note } = splitProof(file);
  const [header, position = "", ...hashes] = lines;
  const index = /^index (.*)$/u.exec(position)?.[1] ?? "";
  if (header !== LOG_PROOF_HEADER || !INTEGER.test(index)) throw malformed("no proof of inclusion");
  const checkpoint = verifyNote(note, keyset);
  const included = isIncluded({
    leafHash: statementLeaf(answerDigest(domain, answer)),
    index: Number(index),
    treeSize: checkpoint.size,
    proof: readHashes(hashes),
    root: checkpoint.root,
  });
  if (!included) {
    throw failure("EVIDENCE_BINDING_MISMATCH", "the statement is not in the log at that place", {
      index,
      size: checkpoint.size,
    });
  }
  const detail = `statement ${index} of ${checkpoint.size} of ${checkpoint.origin}`;
  return { checkpoint, index: Number(index), check: { name: "log", ok: true, detail } };
}

/**
 * Verifies that the log went on from `older`: nothing that was in it was removed or changed.
 *
 * @param file old size, hashes and a newer checkpoint, as `add-checkpoint` of c2sp.org/tlog-witness
 * @throws {EvidenceError} as `verifyCheckpoint`; EVIDENCE_BINDING_MISMATCH when the two heads are not of one history
 */
export function verifyConsistency(
  older: VerifiedCheckpoint,
  file: Uint8Array,
  keyset: Keyset,
): VerifiedCheckpoint {
  const { lines, note } = splitProof(file);
  const [old = "", ...hashes] = lines;
  const from = /^old (.*)$/u.exec(old)?.[1] ?? "";
  if (!INTEGER.test(from)) throw malformed("no proof of consistency");
  const newer = verifyNote(note, keyset);
  const sameLog = older.origin === newer.origin && Number(from) === older.size;
  if (!sameLog || !isConsistent({ first: older, second: newer, proof: readHashes(hashes) })) {
    throw failure("EVIDENCE_BINDING_MISMATCH", "the newer checkpoint does not continue the older one", {
      older: older.size,
      newer: newer.size,
    });
  }
  return newer;
}

/** Lines until the first empty one, and the signed note after it. */
function splitProof(file: Uint8Array): { readonly lines: readonly string[]; readonly note: string } {
  const text = readText(file);
  const split = text.indexOf("\n\n");
  if (split === -1) throw malformed("no proof followed by a checkpoint");
  return { lines: text.slice(0, split).split("\n"), note: text.slice(split + 2) };
}

function readHashes(lines: readonly string[]): readonly Uint8Array[] {
  if (lines.length > MAX_PROOF_HASHES) throw malformed("the proof is longer than any tree is high");
  return lines.map(readHash);
}

function readText(file: Uint8Array): string {
  if (file.length > MAX_NOTE_BYTES) throw malformed("the file is larger than any of a log");
  try {
    return fromUtf8(file);
  } catch (cause) {
    throw malformed("it is not text", cause);
  }
}

function malformed(message: string, cause?: unknown): EvidenceError {
  return new EvidenceError({
    code: "EVIDENCE_MALFORMED",
    message: `receipt log: ${message}`,
    details: { check: "log" },
    cause,
  });
}

function failure(code: EvidenceErrorCode, message: string, details: ErrorDetails = {}): EvidenceError {
  return new EvidenceError({
    code,
    message: `receipt log: ${message}`,
    details: { check: "log", ...details },
  });
}
