/**
 * The log of what a keyset has signed: an RFC 9162 tree whose head is a signed C2SP checkpoint. The texts that the enclave
 * gives out; whether they are true is `attestation/receipt/receipt-log.ts`. Reference: docs/reference/protocol.md, Receipt log.
 */

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64 } from "./base64.ts";
import { concatBytes, fromHex, toUtf8, type Hex } from "./bytes.ts";
import { leafHash, merkleRoot } from "./merkle-tree.ts";

/** The first line of a proof file (c2sp.org/tlog-proof). */
export const LOG_PROOF_HEADER = "c2sp.org/tlog-proof@v1";

/** Type bytes in a key id (c2sp.org/signed-note): an Ed25519 signature, and a witness's with the time (c2sp.org/tlog-cosignature). */
export const ED25519_SIGNATURE = 0x01;
export const COSIGNATURE = 0x04;

export interface LogHead {
  /** Statements in the log. */
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** First line of every checkpoint, and the name of the key: no two keysets have one log. */
export function logOrigin(keysetId: Hex): string {
  return `adyton-keyset/${keysetId}`;
}

/**
 * A statement's leaf. Its entry is the digest that the answer key signed: of an answer, a hash over `transcriptRoot`, which is
 * a hash over 32 random bytes for each event, so that nobody learns or guesses an answer from the log.
 */
export function statementLeaf(digest: Hex): Uint8Array {
  return leafHash(fromHex(digest, 32));
}

/** The text that is signed (c2sp.org/tlog-checkpoint): origin, size, root. */
export function encodeCheckpointText(origin: string, { size, root }: LogHead): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** The first four bytes of SHA-256 of name, newline, type and key (c2sp.org/signed-note). */
export function noteKeyId(name: string, publicKey: Uint8Array, type = ED25519_SIGNATURE): Uint8Array {
  return sha256(concatBytes(toUtf8(`${name}\n`), Uint8Array.of(type), publicKey)).subarray(0, 4);
}

export interface LogKey {
  /** Ed25519, 32 bytes each. */
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** A signed note. */
export function signCheckpoint(keysetId: Hex, head: LogHead, key: LogKey): string {
  const origin = logOrigin(keysetId);
  const text = encodeCheckpointText(origin, head);
  const signature = ed25519.sign(toUtf8(text), key.privateKey);
  return `${text}\n— ${origin} ${toBase64(concatBytes(noteKeyId(origin, key.publicKey), signature))}\n`;
}

/** The head of a log that is read whole: its entries are lines of text. A signed note. */
export function signLogHead(lines: readonly string[], name: string, privateKey: Uint8Array): string {
  const root = merkleRoot(lines.map((line) => leafHash(toUtf8(line))));
  const text = encodeCheckpointText(name, { size: lines.length, root });
  const id = noteKeyId(name, ed25519.getPublicKey(privateKey));
  return `${text}\n— ${name} ${toBase64(concatBytes(id, ed25519.sign(toUtf8(text), privateKey)))}\n`;
}

/** c2sp.org/tlog-proof: that the entry `index` is in the tree of `checkpoint`. */
export function encodeInclusionProof(
  index: number,
  proof: readonly Uint8Array[],
  checkpoint: string,
): string {
  return [LOG_PROOF_HEADER, `index ${index}`, ...proof.map(toBase64), "", checkpoint].join("\n");
}

/** That the tree of `checkpoint` begins with that of `from` entries: what `add-checkpoint` takes (c2sp.org/tlog-witness). */
export function encodeConsistencyProof(
  from: number,
  proof: readonly Uint8Array[],
  checkpoint: string,
): string {
  return [`old ${from}`, ...proof.map(toBase64), "", checkpoint].join("\n");
}
