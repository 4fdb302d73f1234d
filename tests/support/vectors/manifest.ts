import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { VECTORS_FOLDER } from "./config.ts";

/** One judgement of one piece of evidence: these endorsements, at this time, this verdict. */
export interface VectorCheck {
  readonly collateral: string;
  readonly time: string;
  readonly tcbStatus: string;
  readonly advisories: readonly string[];
  readonly fatal: readonly string[];
}

export interface VectorEntry {
  readonly id: string;
  readonly kind: string;
  readonly file: string;
  readonly sha256: string;
  readonly expected: string;
  readonly reason?: string;
  readonly note?: string;
  readonly time?: string;
  readonly measured?: Readonly<Record<string, unknown>>;
  readonly signatures?: Readonly<Record<string, boolean | null>>;
  readonly fmspc?: string;
  readonly pckValid?: readonly [string | null, string | null];
  readonly checks?: readonly VectorCheck[];
}

interface Manifest {
  readonly vectors: readonly VectorEntry[];
}

const manifestUrl = new URL("../../vectors/attestation/manifest.json", import.meta.url);

export const MANIFEST = JSON.parse(readFileSync(manifestUrl, "utf8")) as Manifest;

export const HAS_VECTORS = existsSync(VECTORS_FOLDER);

export function readVectorFile(file: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(join(VECTORS_FOLDER, file)));
}

export function readVectorText(file: string): string {
  return readFileSync(join(VECTORS_FOLDER, file), "utf8");
}

/** The bytes of an entry, which must be those that the manifest names. */
export function readVector({ file, sha256 }: VectorEntry): Uint8Array<ArrayBuffer> {
  const bytes = readVectorFile(file);
  const actual = createHash("sha256").update(bytes).digest("hex");
  if (actual !== sha256) throw new Error(`${file} is not the file that the manifest names: ${actual}`);
  return bytes;
}

/** Judges the entries of some kinds. A vendor's folder of tests brings one. */
export interface VectorRunner {
  readonly kinds: readonly string[];
  /** Throws, as `expect` does, when the entry gives another verdict than listed. */
  readonly run: (entry: VectorEntry) => Promise<void>;
}
