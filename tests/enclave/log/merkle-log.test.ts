import { describe, expect, test } from "vitest";
import { MerkleLog } from "../../../enclave/log/merkle-log.ts";
import {
  inclusionProof,
  isConsistent,
  isIncluded,
  leafHash,
  merkleRoot,
} from "../../../protocol/merkle-tree.ts";
import { codeOf } from "../../support/code-of.ts";

const leaf = (index: number): Uint8Array => leafHash(Uint8Array.of(index >> 8, index & 0xff));
const leaves = (count: number): Uint8Array[] => Array.from({ length: count }, (_, index) => leaf(index));

function grow(count: number, limits?: ConstructorParameters<typeof MerkleLog>[0]): MerkleLog {
  const log = new MerkleLog(limits);
  for (let index = 0; index < count; index++) log.append(leaf(index));
  return log;
}

const SIZES = 66;

test(`has RFC 9162's root and paths at each size up to ${SIZES}`, () => {
  const log = grow(SIZES);
  for (let size = 0; size <= SIZES; size++) {
    const known = leaves(size);
    expect(log.root(size)).toEqual(merkleRoot(known));
    for (let index = 0; index < size; index++) {
      const proof = log.inclusionProof(index, size);
      expect(proof.map((hash) => new Uint8Array(hash))).toEqual(inclusionProof(known, index));
      expect(
        isIncluded({ leafHash: leaf(index), index, treeSize: size, proof, root: merkleRoot(known) }),
      ).toBe(true);
    }
  }
});

test(`proves of each two sizes up to ${SIZES} that one goes on from the other, and from no other tree`, () => {
  const log = grow(SIZES);
  const heads = Array.from({ length: SIZES + 1 }, (_, size) => ({ size, root: log.root(size) }));
  for (const second of heads) {
    for (const first of heads.slice(0, second.size + 1)) {
      const proof = log.consistencyProof(first.size, second.size);
      expect(isConsistent({ first, second, proof })).toBe(true);
      if (first.size === 0) continue;
      const forked = { ...first, root: leafHash(first.root) };
      expect(isConsistent({ first: forked, second, proof })).toBe(false);
      const otherSize = { ...first, size: first.size - 1 };
      expect(isConsistent({ first: otherSize, second, proof })).toBe(false);
    }
  }
});

test("a log in which one statement was changed goes on from nothing that was signed after it", () => {
  const honest = grow(40);
  const forked = new MerkleLog();
  for (let index = 0; index < 50; index++) forked.append(leaf(index === 7 ? 999 : index));
  const second = { size: 50, root: forked.root() };
  for (let size = 1; size <= 40; size++) {
    const proof = forked.consistencyProof(size);
    expect(isConsistent({ first: { size, root: honest.root(size) }, second, proof })).toBe(size <= 7);
  }
});

test.for([
  ["a size that it never had", (log: MerkleLog) => log.root(9)],
  ["half a size", (log: MerkleLog) => log.root(2.5)],
  ["a consistency with the future", (log: MerkleLog) => log.consistencyProof(1, 9)],
  ["a step back", (log: MerkleLog) => log.consistencyProof(5, 4)],
  ["a negative size", (log: MerkleLog) => log.consistencyProof(-1)],
] as const)("refuses %s", ([, ask]) => {
  expect(codeOf(() => ask(grow(8)))).toBe("INPUT_INVALID");
});

describe("old statements", () => {
  // Chunks of 256 are let go whole: the limits are such that some are.
  const log = grow(2_000, { keptLeaves: 600, keptLevel: 4 });
  const known = leaves(2_000);

  test("leave the root as it is, and proofs of the latest as they are", () => {
    expect(log.root()).toEqual(merkleRoot(known));
    for (const index of [1_400, 1_999]) {
      expect(log.inclusionProof(index).map((hash) => new Uint8Array(hash))).toEqual(
        inclusionProof(known, index),
      );
    }
  });

  test("have no proof of their own any more, and say so", () => {
    expect(codeOf(() => log.inclusionProof(0))).toBe("INPUT_NOT_FOUND");
    expect(codeOf(() => log.consistencyProof(3))).toBe("INPUT_NOT_FOUND");
  });

  test("still count: from each size that is whole subtrees the log can be shown to go on", () => {
    const second = { size: 2_000, root: log.root() };
    for (let size = 0; size <= 1_400; size += 16) {
      const first = { size, root: merkleRoot(known.slice(0, size)) };
      expect(log.root(size)).toEqual(first.root);
      expect(isConsistent({ first, second, proof: log.consistencyProof(size) })).toBe(true);
    }
  });
});
