import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EMPTY_NODE, keccakTreeHash } from "../../../coprocessor/ledger/keccak-tree-hash.ts";
import { poseidonTreeHash } from "../../../coprocessor/ledger/poseidon-tree-hash.ts";
import type { Cell } from "../../../coprocessor/ledger/row.ts";
import { StateTree } from "../../../coprocessor/ledger/state-tree.ts";
import type { TreeHash } from "../../../coprocessor/ledger/tree-hash.ts";
import { toHex, type Hex } from "../../../protocol/bytes.ts";
import { keccakText } from "../../../protocol/struct-hash.ts";
import { codeOf } from "../../support/code-of.ts";

const cell = (key: number, seq: number): Cell => ({
  key: keccakText(`key ${key}`),
  seq: BigInt(seq),
  value: keccakText(`value ${key} ${seq}`),
});
const cells = fc.array(
  fc.tuple(fc.nat(30), fc.nat(5)).map(([key, seq]) => cell(key, seq + 1)),
  { maxLength: 40 },
);

function treeOf(written: readonly Cell[]): StateTree<Hex> {
  const tree = StateTree.empty(keccakTreeHash);
  for (const each of written) tree.set(each);
  return tree;
}

describe("the state tree", () => {
  test("follows from what its keys hold last, and not from the order of writing", () => {
    fc.assert(
      fc.property(cells, (written) => {
        const last = [...new Map(written.map((each) => [each.key, each])).values()];
        expect(treeOf(written).root).toBe(treeOf(last.toReversed()).root);
      }),
    );
  });

  test("is written to through paths alone, and comes to the same root", () => {
    fc.assert(
      fc.property(cells, cells, (before, after) => {
        const whole = treeOf(before);
        const paths = new Map(after.map(({ key }) => [key, whole.path(key)]));
        const part = StateTree.fromPaths(keccakTreeHash, whole.root, paths);
        expect(part.root).toBe(whole.root);
        for (const each of after) {
          expect(part.get(each.key)).toEqual(whole.get(each.key));
          whole.set(each);
          part.set(each);
        }
        expect(part.root).toBe(whole.root);
      }),
    );
  });

  test("refuses a path of another root, another key, or with one bit changed", () => {
    const whole = treeOf([cell(1, 1), cell(2, 1)]);
    const path = whole.path(cell(1, 1).key);
    const from = (root: Hex, key: Hex, given: typeof path): string =>
      codeOf(() => StateTree.fromPaths(keccakTreeHash, root, new Map([[key, given]])));
    expect(from(whole.root, cell(1, 1).key, path)).toBe("nothing thrown");
    expect(from(treeOf([cell(1, 1)]).root, cell(1, 1).key, path)).toBe("INPUT_INVALID");
    expect(from(whole.root, cell(3, 1).key, path)).toBe("INPUT_INVALID");
    expect(from(whole.root, cell(1, 1).key, { ...path, held: null })).toBe("INPUT_INVALID");
    expect(from(whole.root, cell(1, 1).key, { ...path, held: cell(1, 2) })).toBe("INPUT_INVALID");
    expect(from(whole.root, cell(1, 1).key, { ...path, siblings: path.siblings.slice(1) })).toBe(
      "INPUT_INVALID",
    );
    const altered = path.siblings.map(([a, b, c], level) =>
      level === 31 ? ([b, a, keccakText("x")] as const) : ([a, b, c] as const),
    );
    expect(from(whole.root, cell(1, 1).key, { ...path, siblings: altered })).toBe("INPUT_INVALID");
  });

  test("takes no unknown node for an empty one", () => {
    const whole = treeOf([cell(1, 1), cell(2, 1)]);
    const part = StateTree.fromPaths(
      keccakTreeHash,
      whole.root,
      new Map([[cell(1, 1).key, whole.path(cell(1, 1).key)]]),
    );
    expect(
      codeOf(() => {
        part.set(cell(2, 2));
      }),
    ).toBe("INPUT_INVALID");
    expect(codeOf(() => part.path(cell(3, 1).key))).toBe("INPUT_INVALID");
  });

  test("never overwrites a key by another one with its slot", () => {
    const colliding: TreeHash<Hex> = { ...keccakTreeHash, slot: () => 7n };
    const tree = StateTree.empty(colliding);
    tree.set(cell(1, 1));
    const { root } = tree;
    expect(
      codeOf(() => {
        tree.set(cell(2, 1));
      }),
    ).toBe("INPUT_CONFLICT");
    expect(tree.get(cell(2, 1).key)).toBeNull();
    expect(tree.held(cell(2, 1).key)).toEqual(cell(1, 1));
    expect(tree.root).toBe(root);
    tree.set(cell(1, 2));
    expect(tree.get(cell(1, 1).key)).toEqual(cell(1, 2));
  });

  test("is the empty word while it holds nothing, under keccak", () => {
    expect(StateTree.empty(keccakTreeHash).root).toBe(EMPTY_NODE);
    expect(StateTree.empty(poseidonTreeHash).root).not.toBe(0n);
  });

  test("tells a value of zero from none", () => {
    const zero = toHex(new Uint8Array(32));
    const tree = StateTree.empty(keccakTreeHash);
    tree.set({ key: zero, seq: 0n, value: zero });
    expect(tree.root).not.toBe(EMPTY_NODE);
  });
});
