/** Of each kind of the shared vectors, some that are what they say and some that are not, each with its time and endorsements. */

import { MANIFEST, readVector, readVectorFile, type VectorEntry } from "../../support/vectors/manifest.ts";
import type { Given } from "./verify-page.ts";

export interface VectorCase {
  readonly title: string;
  readonly given: Given & { readonly bytes: Uint8Array<ArrayBuffer> };
  readonly endorsements: Uint8Array | undefined;
  /** ISO, to the second. */
  readonly time: string;
}

const FALLBACK_TIME = "2026-06-01T00:00:00Z";

export function vectorCase(entry: VectorEntry): VectorCase {
  const [check] = entry.checks ?? [];
  const time = new Date(Date.parse(entry.time ?? check?.time ?? FALLBACK_TIME)).toISOString();
  return {
    title: `${entry.kind} ${entry.file}`,
    given: { name: entry.file.split("/").at(-1) ?? "", bytes: readVector(entry) },
    endorsements: check === undefined ? undefined : readVectorFile(check.collateral),
    time: `${time.slice(0, 19)}Z`,
  };
}

/** @param each how many of a kind and an expectation; the first ones of the manifest */
export function vectorTable(each: number): readonly VectorEntry[] {
  const seen = new Map<string, number>();
  return MANIFEST.vectors.filter(({ kind, expected }) => {
    const group = `${kind} ${expected}`;
    const count = seen.get(group) ?? 0;
    seen.set(group, count + 1);
    return count < each;
  });
}
