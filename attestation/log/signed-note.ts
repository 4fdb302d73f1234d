/** Signed notes (c2sp.org/signed-note) and the checkpoints that are written as such (c2sp.org/tlog-checkpoint). */

import { ed25519 } from "@noble/curves/ed25519.js";
import { equalBytes, toUtf8 } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { COSIGNATURE, encodeCheckpointText, noteKeyId, type LogHead } from "../../protocol/receipt-log.ts";
import type { NoteVerifier } from "../../protocol/verifier-key.ts";
import { fromBase64 } from "../x509/pem.ts";

/** Bytes: sixteen witnesses with signatures of 5 kB each, which a verifier must take (c2sp.org/signed-note). */
export const MAX_NOTE_BYTES = 131_072;
const MAX_SIGNATURE_LINES = 64;
const KEY_ID_BYTES = 4;
const TIME_BYTES = 8;
const HASH_BYTES = 32;

const INTEGER = /^(?:0|[1-9][0-9]{0,15})$/;

interface NoteSignature {
  readonly name: string;
  /** Key id, 4 bytes, and signature. */
  readonly bytes: Uint8Array;
}

export interface SignedNote {
  /** What is signed, with its last newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** @throws {EvidenceError} EVIDENCE_MALFORMED */
export function parseSignedNote(note: string): SignedNote {
  const split = note.lastIndexOf("\n\n");
  if (split === -1) throw malformedNote("no signed note");
  return { text: note.slice(0, split + 1), signatures: parseSignatures(note.slice(split + 2)) };
}

/** Lines of others, such as witnesses, are read and left alone. */
function parseSignatures(lines: string): readonly NoteSignature[] {
  const [last, ...others] = lines.split("\n").reverse();
  if (last !== "" || others.length > MAX_SIGNATURE_LINES) throw malformedNote("the note's signatures");
  return others.map((line) => {
    const [, name, base64] = /^— ([^\s+]+) ([A-Za-z0-9+/=]+)$/u.exec(line) ?? [];
    if (name === undefined || base64 === undefined) throw malformedNote("a line of a note's signatures");
    return { name, bytes: fromBase64(base64) };
  });
}

export interface Checkpoint extends LogHead {
  readonly origin: string;
}

/** Exactly three lines: extension lines could not be audited. @throws {EvidenceError} EVIDENCE_MALFORMED */
export function parseCheckpointText(text: string): Checkpoint {
  const [origin = "", size = "", root = ""] = text.split("\n");
  if (!INTEGER.test(size)) throw malformedNote("the tree's size is no decimal number");
  const head = { origin, size: Number(size), root: readHash(root) };
  if (!Number.isSafeInteger(head.size) || encodeCheckpointText(origin, head) !== text)
    throw malformedNote("a checkpoint is three lines: origin, size, root");

  return head;
}

/** A hash of a tree, in base64. @throws {EvidenceError} EVIDENCE_MALFORMED */
export function readHash(base64: string): Uint8Array {
  const bytes = fromBase64(base64);
  if (bytes.length !== HASH_BYTES) throw malformedNote("a hash has 32 bytes");
  return bytes;
}

/** Whether the key signed the note, and every line under its name and id is a signature of it. */
export function isSignedBy({ text, signatures }: SignedNote, { name, publicKey }: NoteVerifier): boolean {
  const ours = linesOf(signatures, name, noteKeyId(name, publicKey));
  return ours.length > 0 && ours.every((signature) => isSigned(signature, text, publicKey));
}

/**
 * When the witness says it saw the checkpoint and found it to continue what it saw before, in seconds; none where it signed
 * nothing. Source: c2sp.org/tlog-cosignature, cosignature/v1.
 */
export function cosignatureTimes(
  { text, signatures }: SignedNote,
  { name, publicKey }: NoteVerifier,
): readonly number[] {
  return linesOf(signatures, name, noteKeyId(name, publicKey, COSIGNATURE)).flatMap((bytes) => {
    if (bytes.length < TIME_BYTES) return [];
    const time = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0));
    return isSigned(bytes.subarray(TIME_BYTES), `cosignature/v1\ntime ${time}\n${text}`, publicKey)
      ? [time]
      : [];
  });
}

function linesOf(
  signatures: readonly NoteSignature[],
  name: string,
  keyId: Uint8Array,
): readonly Uint8Array[] {
  return signatures
    .filter(
      (signature) => signature.name === name && equalBytes(signature.bytes.subarray(0, KEY_ID_BYTES), keyId),
    )
    .map(({ bytes }) => bytes.subarray(KEY_ID_BYTES));
}

function isSigned(signature: Uint8Array, text: string, publicKey: Uint8Array): boolean {
  // Strict (RFC 8032 §5.1.7): one signature for one text, whichever library looks at it.
  return signature.length === 64 && ed25519.verify(signature, toUtf8(text), publicKey, { zip215: false });
}

export function malformedNote(message: string, cause?: unknown): EvidenceError {
  return new EvidenceError({
    code: "EVIDENCE_MALFORMED",
    message: `signed note: ${message}`,
    details: { check: "log" },
    cause,
  });
}
