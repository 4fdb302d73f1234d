/**
 * The log of releases: which measurements are of which release, in a form that everybody can be shown to have the same of. Entries
 * are lines of JSON, the leaves of an RFC 9162 tree whose head is a C2SP checkpoint, signed by the key of whoever releases; witnesses
 * may cosign it. The log is short and read whole, so that no proof travels with it.
 *
 * Source: c2sp.org/tlog-checkpoint, c2sp.org/signed-note.
 */

import * as z from "zod";
import { isSignedBy, parseSignedNote } from "../attestation/log/signed-note.ts";
import { isHex, toUtf8, type Hex } from "../protocol/bytes.ts";
import { EvidenceError } from "../protocol/errors.ts";
import { leafHash, merkleRoot } from "../protocol/merkle-tree.ts";
import { encodeCheckpointText } from "../protocol/receipt-log.ts";
import type { NoteVerifier } from "../protocol/verifier-key.ts";

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

const MAX_ENTRIES = 65_536;

const leaves = (lines: readonly string[]): readonly Uint8Array[] =>
  lines.map((line) => leafHash(toUtf8(line)));

/**
 * Establishes: the holder of the key signed exactly these releases, in this order. Whether others are shown the same is for
 * witnesses, whose signatures are left alone here.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_BINDING_MISMATCH, EVIDENCE_SIGNATURE_INVALID
 */
export function verifyReleaseLog(
  { lines, checkpoint }: ReleaseLog,
  verifier: NoteVerifier,
): readonly Release[] {
  if (lines.length > MAX_ENTRIES) throw malformed("it has more entries than any log of releases");
  const note = parseSignedNote(checkpoint);
  if (!isSignedBy(note, verifier)) {
    throw new EvidenceError({
      code: "EVIDENCE_SIGNATURE_INVALID",
      message: "the release log's checkpoint is not signed by the key that was given",
    });
  }
  const root = merkleRoot(leaves(lines));
  if (encodeCheckpointText(verifier.name, { size: lines.length, root }) !== note.text) {
    throw new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message: "the releases are not those of the signed checkpoint: one is missing, added or changed",
    });
  }
  return lines.map(parseRelease);
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
