/** The rows of a ledger's epochs, with the proofs that a contract takes: the same for ledgers of snapshots and proven ones. */

import type { Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { createEpochTree, type EpochTree, type RowPosition } from "./epoch-tree.ts";
import { parseRows, splitRows, type Row } from "./row.ts";

/** A row where it was settled: what `check`, `claim` and `LedgerReader` take. */
export interface SettledRow extends Row {
  readonly epoch: number;
  readonly bytes: Uint8Array;
  readonly proof: RowPosition;
}

interface Epoch {
  readonly rows: readonly Row[];
  readonly bytes: readonly Uint8Array[];
  /** null of an abandoned one. */
  readonly tree: EpochTree | null;
}

export class SettledRows {
  readonly #epochs: Epoch[] = [];
  /** Of each key, where it was written: epoch and row, in their order. */
  readonly #written = new Map<Hex, { readonly epoch: number; readonly index: number }[]>();

  /** Epochs so far, abandoned ones included. */
  get epochs(): number {
    return this.#epochs.length;
  }

  /** @returns the epoch's rows, and the root that the contract has of them. @throws {InputError} as `parseRows` */
  add(bytes: Uint8Array, isWritten: (row: Row) => boolean): { rows: readonly Row[]; root: Hex } {
    const rows = parseRows(bytes);
    const split = splitRows(bytes);
    const tree = createEpochTree(split);
    for (const [index, row] of rows.entries()) {
      if (!isWritten(row)) continue;
      const places = this.#written.get(row.key) ?? [];
      places.push({ epoch: this.epochs, index });
      this.#written.set(row.key, places);
    }
    this.#epochs.push({ rows, bytes: split, tree });
    return { rows, root: tree.root };
  }

  addAbandoned(): void {
    this.#epochs.push({ rows: [], bytes: [], tree: null });
  }

  /** A key's value when `epoch` had settled, with its proof; by default now. null if it was not written by then. */
  read(key: Hex, epoch: number = this.epochs - 1): SettledRow | null {
    const found = this.#written.get(key)?.findLast((place) => place.epoch <= epoch);
    return found === undefined ? null : this.row(found.epoch, found.index);
  }

  /** @throws {InputError} INPUT_NOT_FOUND */
  row(epoch: number, index: number): SettledRow {
    const { rows, bytes, tree } = this.#epochs[epoch] ?? {};
    const row = rows?.[index];
    const encoded = bytes?.[index];
    if (row === undefined || encoded === undefined || tree === undefined || tree === null) {
      throw new InputError({
        code: "INPUT_NOT_FOUND",
        message: "the ledger has no such row",
        details: { epoch, index },
      });
    }
    return { ...row, epoch, bytes: encoded, proof: { index, count: tree.count, path: tree.pathOf(index) } };
  }

  rowsOf(epoch: number): readonly Row[] {
    return this.#epochs[epoch]?.rows ?? [];
  }
}
