/**
 * The log of releases: which measurements are of which release, in a form that everybody can be shown to have the same of. Entries
 * are lines of JSON, the leaves of an RFC 9162 tree whose head is a C2SP checkpoint, signed by the key of whoever releases; witnesses
 * may cosign it. The log is short and read whole, so that no proof travels with it.
 *
 * Source: c2sp.org/tlog-checkpoint, c2sp.org/signed-note.
 */

import { ed25519 } from "@noble/curves/ed25519.js";
import * as z from "zod";
import { fromBase64, toBase64 } from "../protocol/base64.ts";
import { concatBytes, equalBytes, isHex, toHex, toUtf8, type Hex } from "../protocol/bytes.ts";
import { EvidenceError, InputError } from "../protocol/errors.ts";
import { leafHash, merkleRoot } from "../protocol/merkle-tree.ts";
import { encodeCheckpointText, noteKeyId } from "../protocol/receipt-log.ts";

const hex = z.custom<Hex>(isHex);
const sha256Text = z.string().regex(/^[0-9a-f]{64}$/);

const Measured = z.strictObject({
  /** As `adyton image measure` names it. */
  platform: z.string(),
  registers: z.record(z.string(), z.union([z.array(hex).min(1), z.literal("any")])),
});

export const Release = z.strictObject({
  version: z.string().min(1).max(64),
  /** Of the sources. */
  commit: z.string().regex(/^[0-9a-f]{40}$/),
  /** SHA-256 of the image's manifest, which has every file's. */
  manifestSha256: sha256Text,
  measurements: z.array(Measured).min(1).max(256),
});
export type Release = z.infer<typeof Release>;

export interface ReleaseLog {
  /** Entries, one a line. */
  readonly lines: readonly string[];
  /** A signed note. */
  readonly checkpoint: string;
}

const ED25519 = 1;
const MAX_ENTRIES = 65_536;

/** The public key of a log, as C2SP writes it: `name+id+base64` (c2sp.org/signed-note, "verifier key"). */
export interface LogVerifier {
  readonly name: string;
  readonly publicKey: Uint8Array;
}

export function formatVerifierKey({ name, publicKey }: LogVerifier): string {
  const id = toHex(noteKeyId(name, publicKey)).slice(2);
  return `${name}+${id}+${toBase64(concatBytes(Uint8Array.of(ED25519), publicKey))}`;
}

/** @throws {InputError} INPUT_INVALID */
export function parseVerifierKey(text: string): LogVerifier {
  const [, name, id, base64] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim()) ?? [];
  const key = base64 === undefined ? new Uint8Array() : decode(base64);
  const publicKey = key.subarray(1);
  if (name === undefined || key[0] !== ED25519 || publicKey.length !== 32) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "the key of a release log is written name+id+base64 (C2SP verifier key, Ed25519)",
    });
  }
  if (toHex(noteKeyId(name, publicKey)).slice(2) !== id) {
    throw new InputError({ code: "INPUT_INVALID", message: "the key of the release log has a typing error" });
  }
  return { name, publicKey };
}

function decode(base64: string): Uint8Array {
  try {
    return fromBase64(base64);
  } catch {
    return new Uint8Array();
  }
}

const leaves = (lines: readonly string[]): readonly Uint8Array[] =>
  lines.map((line) => leafHash(toUtf8(line)));

/** The checkpoint over all entries. */
export function signReleaseLog(lines: readonly string[], name: string, privateKey: Uint8Array): string {
  const text = encodeCheckpointText(name, { size: lines.length, root: merkleRoot(leaves(lines)) });
  const signature = ed25519.sign(toUtf8(text), privateKey);
  const id = noteKeyId(name, ed25519.getPublicKey(privateKey));
  return `${text}\n— ${name} ${toBase64(concatBytes(id, signature))}\n`;
}

/**
 * Establishes: the holder of the key signed exactly these releases, in this order. Whether others are shown the same is for
 * witnesses, whose signatures are left alone here.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_BINDING_MISMATCH, EVIDENCE_SIGNATURE_INVALID
 */
export function verifyReleaseLog(
  { lines, checkpoint }: ReleaseLog,
  verifier: LogVerifier,
): readonly Release[] {
  const split = checkpoint.lastIndexOf("\n\n");
  if (split < 0 || lines.length > MAX_ENTRIES) throw malformed("the checkpoint is no signed note");
  const text = checkpoint.slice(0, split + 1);
  const id = noteKeyId(verifier.name, verifier.publicKey);
  const prefix = `— ${verifier.name} `;
  const signatures = checkpoint
    .slice(split + 2)
    .split("\n")
    .filter((line) => line.startsWith(prefix))
    .map((line) => decode(line.slice(prefix.length)))
    .filter((bytes) => equalBytes(bytes.subarray(0, 4), id));
  if (signatures.length === 0 || !signatures.every((bytes) => isSigned(bytes.subarray(4), text, verifier))) {
    throw new EvidenceError({
      code: "EVIDENCE_SIGNATURE_INVALID",
      message: "the release log's checkpoint is not signed by the key that was given",
    });
  }
  const root = merkleRoot(leaves(lines));
  if (encodeCheckpointText(verifier.name, { size: lines.length, root }) !== text) {
    throw new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message: "the releases are not those of the signed checkpoint: one is missing, added or changed",
    });
  }
  return lines.map(parseRelease);
}

function isSigned(signature: Uint8Array, text: string, { publicKey }: LogVerifier): boolean {
  try {
    return ed25519.verify(signature, toUtf8(text), publicKey, { zip215: false });
  } catch {
    return false;
  }
}

function parseRelease(line: string): Release {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    throw malformed("an entry is not JSON");
  }
  const parsed = Release.safeParse(json);
  if (!parsed.success)
    throw malformed(`an entry is no release: ${z.prettifyError(parsed.error).slice(0, 200)}`);
  return parsed.data;
}

/** The newest release of which a measurement has all of these registers; null for none. A register given as any matches. */
export function findRelease(
  releases: readonly Release[],
  platforms: readonly string[],
  registers: Readonly<Record<string, Hex | undefined>>,
): { readonly release: Release; readonly index: number } | null {
  for (const [index, release] of [...releases.entries()].reverse()) {
    const matches = release.measurements.some(
      ({ platform, registers: known }) =>
        platforms.includes(platform) &&
        Object.entries(known).every(([name, values]) => {
          const actual = registers[name];
          return values === "any" || (actual !== undefined && values.includes(actual));
        }),
    );
    if (matches) return { release, index };
  }
  return null;
}

function malformed(message: string): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_MALFORMED", message: `release log: ${message}` });
}
