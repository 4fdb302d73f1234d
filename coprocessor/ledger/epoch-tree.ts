/**
 * The tree over one epoch's rows, which the contract makes of calldata (contracts/src/ledger/EpochTree.sol): what a row is
 * read by. docs/reference/ledger.md, Epoch tree.
 */

import { concatBytes, fromHex, type Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { ROW_BYTES, uint64Bytes } from "./row.ts";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const ROOT = Uint8Array.of(2);

export interface EpochTree {
  readonly root: Hex;
  readonly count: number;
  /** Siblings from the row up. */
  readonly pathOf: (index: number) => readonly Hex[];
}

export interface RowPosition {
  readonly index: number;
  readonly count: number;
  readonly path: readonly Hex[];
}

const leafOf = (row: Uint8Array): Hex => keccak(concatBytes(LEAF, row));
const parentOf = (left: Hex, right: Hex): Hex =>
  keccak(concatBytes(NODE, fromHex(left, 32), fromHex(right, 32)));
/** The count is in the root: without it the path of one position could be read as another's. */
const rootOf = (count: number, top: Hex): Hex =>
  keccak(concatBytes(ROOT, uint64Bytes(BigInt(count)), fromHex(top, 32)));

/** @throws {InputError} INPUT_INVALID for no rows, or one of another length */
export function createEpochTree(rows: readonly Uint8Array[]): EpochTree {
  if (rows.length === 0 || rows.some(({ length }) => length !== ROW_BYTES)) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "an epoch has at least one row, of 73 bytes each",
    });
  }
  const levels: (readonly Hex[])[] = [rows.map(leafOf)];
  for (let level = levels[0] ?? []; level.length > 1;) {
    level = pairUp(level);
    levels.push(level);
  }
  const top = levels.at(-1)?.[0];
  if (top === undefined) throw new Error("a tree has a top");
  const pathOf = (index: number): readonly Hex[] => {
    if (!Number.isInteger(index) || index < 0 || index >= rows.length) {
      throw new InputError({
        code: "INPUT_NOT_FOUND",
        message: "the epoch has no such row",
        details: { index },
      });
    }
    return levels.map((level, height) => level[(index >> height) ^ 1]).filter((node) => node !== undefined);
  };
  return { root: rootOf(rows.length, top), count: rows.length, pathOf };
}

/** The last node of an odd level is carried up unchanged. */
function pairUp(level: readonly Hex[]): readonly Hex[] {
  return Array.from({ length: Math.ceil(level.length / 2) }, (_, index) => {
    const [left, right] = level.slice(2 * index, 2 * index + 2);
    if (left === undefined) throw new Error("a level is not empty");
    return right === undefined ? left : parentOf(left, right);
  });
}

/** The root that follows from one row and its path; null when the path is not one of that position. */
export function epochRootFrom(row: Uint8Array, { index, count, path }: RowPosition): Hex | null {
  if (row.length !== ROW_BYTES || !Number.isSafeInteger(count) || !Number.isInteger(index)) return null;
  if (index < 0 || index >= count) return null;
  let node = leafOf(row);
  let at = index;
  let used = 0;
  for (let width = count; width > 1; width = Math.ceil(width / 2)) {
    if (at % 2 === 1 || at + 1 < width) {
      const sibling = path[used];
      if (sibling === undefined) return null;
      used += 1;
      node = at % 2 === 1 ? parentOf(sibling, node) : parentOf(node, sibling);
    }
    at = Math.floor(at / 2);
  }
  return used === path.length ? rootOf(count, node) : null;
}
