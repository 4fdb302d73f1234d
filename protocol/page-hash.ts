/** One hash for a built page: who has it can tell whether the page that a server gives is that page. */

import { sha256 } from "@noble/hashes/sha2.js";
import { toHex, toUtf8 } from "./bytes.ts";

export interface PageFile {
  readonly path: string;
  /** Hex; of a document, with `PLACEHOLDER` where the page's hash stands. */
  readonly sha256: string;
}

/** Stands in each document for the page's hash, which cannot be among what it is the hash of. */
export const PLACEHOLDER = "0".repeat(64);

/** SHA-256 of a line `sha256  path` for each file, in the order of their paths: what `sha256sum` prints. */
export function pageHash(files: readonly PageFile[]): string {
  const lines = files
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, sha256: digest }) => `${digest}  ${path}\n`);
  return toHex(sha256(toUtf8(lines.join("")))).slice(2);
}
