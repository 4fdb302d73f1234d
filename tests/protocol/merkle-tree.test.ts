import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import {
  inclusionProof,
  isConsistent,
  isIncluded,
  leafHash,
  merkleRoot,
} from "../../protocol/merkle-tree.ts";
import { codeOf } from "../support/code-of.ts";

/** The entries, roots and paths that Certificate Transparency's own implementation has tested with since 2012. */
const ENTRIES = [
  "0x",
  "0x00",
  "0x10",
  "0x2021",
  "0x3031",
  "0x40414243",
  "0x5051525354555657",
  "0x606162636465666768696a6b6c6d6e6f",
].map((text) => fromHex(text));
const LEAVES = ENTRIES.map(leafHash);
const ROOTS = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
const PATH_OF_0_IN_8 = [
  "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
  "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
  "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
];

describe("known answers", () => {
  test("of no entries, the hash of the empty string", () => {
    expect(toHex(merkleRoot([]))).toBe(`0x${createHash("sha256").digest("hex")}`);
  });

  test.for(ROOTS.map((root, index) => [index + 1, root] as const))("of %i entries: %s", ([size, root]) => {
    expect(toHex(merkleRoot(LEAVES.slice(0, size)))).toBe(`0x${root}`);
  });

  test("the path of the first of eight", () => {
    expect(inclusionProof(LEAVES, 0).map(toHex)).toEqual(PATH_OF_0_IN_8.map((hash) => `0x${hash}`));
  });
});

const sizes = Array.from({ length: 33 }, (_, index) => index + 1);
const numbered = (size: number): Uint8Array[] =>
  Array.from({ length: size }, (_, index) => leafHash(new Uint8Array([index])));

test.for(sizes)("in a tree of %i every leaf is proven at its place and at no other", (treeSize) => {
  const leaves = numbered(treeSize);
  const root = merkleRoot(leaves);
  for (let index = 0; index < treeSize; index++) {
    const proof = inclusionProof(leaves, index);
    const claim = { leafHash: leaves[index]!, index, treeSize, proof, root };
    expect(isIncluded(claim)).toBe(true);
    for (let other = 0; other < treeSize; other++)
      expect(isIncluded({ ...claim, index: other })).toBe(other === index);
    expect(isIncluded({ ...claim, leafHash: leafHash(new Uint8Array([200])) })).toBe(false);
    expect(isIncluded({ ...claim, root: leafHash(root) })).toBe(false);
    expect(isIncluded({ ...claim, proof: [...proof, root] })).toBe(false);
    if (proof.length > 0) expect(isIncluded({ ...claim, proof: proof.slice(1) })).toBe(false);
    if (proof.length > 0) expect(isIncluded({ ...claim, proof: proof.slice(0, -1) })).toBe(false);
  }
});

test.for([
  ["a negative index", -1],
  ["an index past the end", 8],
  ["half an index", 0.5],
  ["an index that is no number", Number.NaN],
] as const)("%s is in no tree and has no proof", ([, index]) => {
  const claim = {
    leafHash: LEAVES[0]!,
    treeSize: 8,
    proof: inclusionProof(LEAVES, 0),
    root: merkleRoot(LEAVES),
  };
  expect(isIncluded({ ...claim, index: 0 })).toBe(true);
  expect(isIncluded({ ...claim, index })).toBe(false);
  expect(codeOf(() => inclusionProof(LEAVES, index))).toBe("INPUT_INVALID");
});

test("an entry cannot pose as an inner node, nor a node as an entry", () => {
  const inner = merkleRoot(LEAVES.slice(0, 2));
  expect(leafHash(inner)).not.toEqual(inner);
  const forged = new Uint8Array([...LEAVES[0]!, ...LEAVES[1]!]);
  expect(leafHash(forged)).not.toEqual(inner);
});

/** Certificate Transparency's own, and one more. */
const CONSISTENCY: readonly (readonly [number, number, readonly string[]])[] = [
  [1, 1, []],
  // By the definition: both halves of what is right of the first four, and the first four.
  [5, 6, [...LEAVES.slice(4, 6).map((leaf) => toHex(leaf).slice(2)), ROOTS[3]!]],
  [1, 8, PATH_OF_0_IN_8],
  [
    6,
    8,
    [
      "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
  ],
  [
    2,
    5,
    [
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
  ],
];

test.for(CONSISTENCY)("the tree of %i entries goes on to %i by the known path", ([from, to, path]) => {
  const head = (size: number) => ({ size, root: merkleRoot(LEAVES.slice(0, size)) });
  const proof = path.map((hash) => fromHex(`0x${hash}`));
  const claim = { first: head(from), second: head(to), proof };
  expect(isConsistent(claim)).toBe(true);
  expect(isConsistent({ ...claim, proof: [...proof, head(3).root] })).toBe(false);
  if (proof.length > 0) expect(isConsistent({ ...claim, proof: proof.slice(1) })).toBe(false);
  if (proof.length > 0) expect(isConsistent({ ...claim, proof: [] })).toBe(false);
  proof.forEach((hash, index) => {
    const changed = Uint8Array.from(hash);
    changed[index] = changed[index]! ^ 1;
    expect(isConsistent({ ...claim, proof: proof.with(index, changed) })).toBe(false);
  });
});

test.for([
  ["a negative size", -1, 8],
  ["half a size", 2.5, 8],
  ["a tree that shrank", 8, 7],
] as const)("nothing goes on from %s", ([, from, to]) => {
  const root = merkleRoot(LEAVES);
  expect(isConsistent({ first: { size: from, root }, second: { size: to, root }, proof: [] })).toBe(false);
});

test("every tree goes on from the empty one, whose root is known", () => {
  const second = { size: 8, root: merkleRoot(LEAVES) };
  expect(isConsistent({ first: { size: 0, root: merkleRoot([]) }, second, proof: [] })).toBe(true);
  expect(isConsistent({ first: { size: 0, root: second.root }, second, proof: [] })).toBe(false);
  expect(isConsistent({ first: { size: 0, root: merkleRoot([]) }, second, proof: [second.root] })).toBe(
    false,
  );
});
