import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createEpochTree, epochRootFrom } from "../../../coprocessor/ledger/epoch-tree.ts";
import { ROW_BYTES } from "../../../coprocessor/ledger/row.ts";
import { codeOf } from "../../support/code-of.ts";

const rows = fc.array(fc.uint8Array({ minLength: ROW_BYTES, maxLength: ROW_BYTES }), {
  minLength: 1,
  maxLength: 40,
});

describe("the tree over an epoch's rows", () => {
  test("proves each row at its position, and at no other position or count", () => {
    fc.assert(
      fc.property(rows, fc.nat(), fc.nat(60), fc.nat(60), (given, pick, otherIndex, otherCount) => {
        const tree = createEpochTree(given);
        const index = pick % given.length;
        const row = given[index] ?? new Uint8Array();
        const at = { index, count: tree.count, path: tree.pathOf(index) };
        expect(epochRootFrom(row, at)).toBe(tree.root);
        const sameRow = given[otherIndex]?.every((byte, place) => byte === row[place]) ?? false;
        if (otherIndex !== index && !sameRow)
          expect(epochRootFrom(row, { ...at, index: otherIndex })).not.toBe(tree.root);
        if (otherCount !== tree.count)
          expect(epochRootFrom(row, { ...at, count: otherCount })).not.toBe(tree.root);
      }),
    );
  });

  test("refuses a path that is too short, too long or changed, and a changed row", () => {
    const given = Array.from({ length: 7 }, (_, index) => new Uint8Array(ROW_BYTES).fill(index));
    const tree = createEpochTree(given);
    const row = given[2] ?? new Uint8Array();
    const at = { index: 2, count: 7, path: tree.pathOf(2) };
    expect(epochRootFrom(row, at)).toBe(tree.root);
    expect(epochRootFrom(row, { ...at, path: at.path.slice(1) })).toBeNull();
    expect(epochRootFrom(row, { ...at, path: [...at.path, tree.root] })).toBeNull();
    expect(epochRootFrom(row, { ...at, path: at.path.toReversed() })).not.toBe(tree.root);
    expect(
      epochRootFrom(
        row.map((byte, index) => (index === 72 ? byte ^ 1 : byte)),
        at,
      ),
    ).not.toBe(tree.root);
    expect(epochRootFrom(row.subarray(1), at)).toBeNull();
    expect(epochRootFrom(row, { ...at, index: -1 })).toBeNull();
    expect(epochRootFrom(row, { ...at, index: 7 })).toBeNull();
    expect(epochRootFrom(row, { ...at, index: 0.5 })).toBeNull();
  });

  test("is of at least one whole row", () => {
    expect(codeOf(() => createEpochTree([]))).toBe("INPUT_INVALID");
    expect(codeOf(() => createEpochTree([new Uint8Array(72)]))).toBe("INPUT_INVALID");
    expect(codeOf(() => createEpochTree([new Uint8Array(ROW_BYTES)]).pathOf(1))).toBe("INPUT_NOT_FOUND");
  });
});
