/** What several nodes serve of one ledger, as one: each has the signatures of its own enclaves. */

import { MAX_SIGNERS } from "./epoch-statement.ts";
import type { TransitionRecord, TransitionsFile } from "./epoch-file.ts";

/** Of several writes of one key and seq the one that most enclaves signed; in an order in which they follow from each other. */
export function mergeTransitions(files: readonly TransitionsFile[]): TransitionsFile {
  const merged = new Map<string, TransitionRecord>();
  for (const record of files.flatMap(({ transitions }) => transitions)) {
    const { key, seq, value, oldLeaf, link } = record;
    const name = [key, seq, value, oldLeaf, link].join(" ");
    const known = merged.get(name)?.signatures ?? [];
    const more = record.signatures.filter(({ x, y }) => !known.some((one) => one.x === x && one.y === y));
    merged.set(name, { ...record, signatures: [...known, ...more].slice(0, MAX_SIGNERS) });
  }
  const rows = [...Map.groupBy(merged.values(), ({ key, seq }) => `${key} ${seq}`).values()];
  const best = rows.flatMap((same) =>
    same.toSorted((one, other) => other.signatures.length - one.signatures.length).slice(0, 1),
  );
  const signers = new Map(
    files.flatMap((file) => file.signers.map((signer) => [`${signer.x} ${signer.y}`, signer] as const)),
  );
  return {
    signers: [...signers.values()].slice(0, MAX_SIGNERS),
    transitions: best.toSorted((one, other) => Number(one.seq - other.seq)),
  };
}
