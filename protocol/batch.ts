/** One signature over many answers. Any subset of them settles, each with its proof. */

import { concatBytes, fromHex, type Hex } from "./bytes.ts";
import { typedDataDigest, type OnChainDomain } from "./domain.ts";
import { InputError } from "./errors.ts";
import { MAX_BATCH_ANSWERS } from "./limits.ts";
import { bytes32Word, hashWords, keccak, keccakText, uintWord } from "./struct-hash.ts";

export const ANSWER_BATCH_TYPE = "AnswerBatch(bytes32 root,uint32 count)";
export const ANSWER_BATCH_TYPEHASH = keccakText(ANSWER_BATCH_TYPE);

const LEAF_PREFIX = new Uint8Array([0x00]);

/** 33 bytes are hashed for a leaf, 64 for a node: neither can pose as the other. */
export function batchLeaf(answerStructHash: Hex): Hex {
  return keccak(concatBytes(LEAF_PREFIX, fromHex(answerStructHash, 32)));
}

function parent(left: Hex, right: Hex): Hex {
  const [low, high] = left < right ? [left, right] : [right, left];
  return keccak(concatBytes(fromHex(low, 32), fromHex(high, 32)));
}

export interface BatchTree {
  readonly root: Hex;
  /** The number of answers. */
  readonly count: number;
  /** Siblings from the leaf up, as OpenZeppelin's `MerkleProof.verify` takes them. */
  readonly proofOf: (leaf: Hex) => readonly Hex[];
}

/**
 * The tree over `leaves` (docs/reference/protocol.md, Batch).
 *
 * @throws {InputError} INPUT_INVALID for no leaves, too many, or one given twice
 */
export function createBatchTree(leaves: readonly Hex[]): BatchTree {
  const sorted = [...leaves].sort();
  const [first, ...others] = sorted;
  const repeated = sorted.some((leaf, index) => leaf === sorted[index + 1]);
  if (first === undefined || leaves.length > MAX_BATCH_ANSWERS || repeated) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `a batch holds 1 to ${MAX_BATCH_ANSWERS} different answers`,
      details: { count: leaves.length, repeated },
    });
  }
  const levels: Level[] = [];
  let top: Level = [first, ...others];
  for (; top.length > 1; top = pairUp(top)) levels.push(top);
  return { root: top[0], count: leaves.length, proofOf: (leaf) => proof(levels, sorted.indexOf(leaf)) };
}

type Level = readonly [Hex, ...Hex[]];

function pairUp([left, right, ...rest]: Level): Level {
  const node = right === undefined ? left : parent(left, right);
  const [next, ...others] = rest;
  return next === undefined ? [node] : [node, ...pairUp([next, ...others])];
}

function proof(levels: readonly Level[], leafIndex: number): readonly Hex[] {
  if (leafIndex < 0) throw new InputError({ code: "INPUT_NOT_FOUND", message: "the batch has no such leaf" });
  const siblings = levels.map((level, height) => level[(leafIndex >> height) ^ 1]);
  return siblings.filter((sibling) => sibling !== undefined);
}

export function batchDigest(domain: OnChainDomain, root: Hex, count: number): Hex {
  return typedDataDigest(domain, hashWords(ANSWER_BATCH_TYPEHASH, [bytes32Word(root), uintWord(count)]));
}
