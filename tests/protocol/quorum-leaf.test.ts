import { TypedDataEncoder } from "ethers";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as p from "../../protocol/index.ts";
import * as arbitrary from "../support/protocol-arbitraries.ts";

const TYPES = {
  QuorumLeaf: p.QUORUM_LEAF_TYPE.slice("QuorumLeaf(".length, -1)
    .split(",")
    .map((member) => ({ type: member.split(" ")[0]!, name: member.split(" ")[1]! })),
};

test("the leaf is the answer's struct hash, and its digest ethers' EIP-712", () => {
  fc.assert(
    fc.property(arbitrary.onChainDomain, arbitrary.answer, (domain, answer) => {
      const leaf = p.quorumLeafOf(answer);
      expect(leaf).toEqual({
        requestId: answer.requestId,
        leaf: p.answerStructHash(answer),
        keysetId: answer.keysetId,
      });
      expect(p.quorumLeafDigest(domain, leaf)).toBe(TypedDataEncoder.hash(domain, TYPES, leaf));
    }),
  );
});

test("a leaf's signature serves as no answer's and no batch's", () => {
  fc.assert(
    fc.property(arbitrary.onChainDomain, arbitrary.answer, (domain, answer) => {
      const leaf = p.quorumLeafOf(answer);
      const digests = [
        p.quorumLeafDigest(domain, leaf),
        p.answerDigest(domain, answer),
        p.batchDigest(domain, leaf.leaf, 1),
      ];
      expect(new Set(digests).size).toBe(3);
    }),
  );
});
