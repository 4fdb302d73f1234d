import { id, keccak256, TypedDataEncoder } from "ethers";
import { expect, test } from "vitest";
import * as p from "../../protocol/index.ts";
import { codeOf } from "../support/code-of.ts";

const leavesOf = (count: number): p.Hex[] =>
  Array.from({ length: count }, (_, index) => p.batchLeaf(p.keccakText(`answer ${index}`)));

/** OpenZeppelin's MerkleProof.processProof: sorted pairs, from the leaf up. */
function processProof(leaf: p.Hex, proof: readonly p.Hex[]): string {
  return proof.reduce<string>((hash, sibling) => {
    const [low, high] = hash < sibling ? [hash, sibling] : [sibling, hash];
    return keccak256(low + high.slice(2));
  }, leaf);
}

const sizes = Array.from({ length: 33 }, (_, index) => index + 1);

test.for([...sizes, 255, 256])("in a batch of %i every leaf is proven, and no other", (size) => {
  const leaves = leavesOf(size);
  const tree = p.createBatchTree(leaves);
  const stranger = p.batchLeaf(p.keccakText("stranger"));
  expect(tree.count).toBe(size);
  for (const leaf of leaves) {
    const proof = tree.proofOf(leaf);
    expect(processProof(leaf, proof)).toBe(tree.root);
    expect(processProof(stranger, proof)).not.toBe(tree.root);
    expect(proof.length).toBeLessThanOrEqual(Math.ceil(Math.log2(size)));
  }
});

test("the order in which answers came does not show in the root", () => {
  const leaves = leavesOf(9);
  expect(p.createBatchTree([...leaves].reverse()).root).toBe(p.createBatchTree(leaves).root);
});

test("an odd node is carried up unchanged", () => {
  const [a, b, c] = leavesOf(3).sort() as [p.Hex, p.Hex, p.Hex];
  const pair = keccak256(a + b.slice(2));
  const [low, high] = pair < c ? [pair, c] : [c, pair];
  expect(p.createBatchTree([a, b, c]).root).toBe(keccak256(low + high.slice(2)));
});

test("a leaf is hashed under its prefix, so that no node can pose as one", () => {
  const structHash = p.keccakText("struct");
  expect(p.batchLeaf(structHash)).toBe(keccak256(`0x00${structHash.slice(2)}`));
});

test.for([
  ["no answers", []],
  ["an answer given twice", [...leavesOf(3), leavesOf(1)[0]!]],
  ["one answer too many", leavesOf(p.MAX_BATCH_ANSWERS + 1)],
] as const)("refuses %s", ([, leaves]) => {
  expect(codeOf(() => p.createBatchTree(leaves))).toBe("INPUT_INVALID");
});

test("has no proof for an answer that is not in it", () => {
  expect(codeOf(() => p.createBatchTree(leavesOf(4)).proofOf(p.keccakText("stranger")))).toBe(
    "INPUT_NOT_FOUND",
  );
});

test("the digest equals ethers' EIP-712", () => {
  const domain = p.onChainDomain(10n, `0x${"ab".repeat(20)}`);
  const root = p.keccakText("root");
  const types = {
    AnswerBatch: [
      { name: "root", type: "bytes32" },
      { name: "count", type: "uint32" },
    ],
  };
  expect(p.ANSWER_BATCH_TYPEHASH).toBe(id(p.ANSWER_BATCH_TYPE));
  expect(p.batchDigest(domain, root, 3)).toBe(TypedDataEncoder.hash(domain, types, { root, count: 3 }));
  expect(p.batchDigest(domain, root, 4)).not.toBe(p.batchDigest(domain, root, 3));
});
