/**
 * An RFC 9162 tree that grows by one leaf at a time and proves what it was at any size, in memory that is bounded by the
 * statements it keeps whole, and a thousandth of the rest.
 */

import { InputError } from "../../protocol/errors.ts";
import { merkleRoot, nodeHash, splitPoint } from "../../protocol/merkle-tree.ts";
import { HashList } from "./hash-list.ts";

/** Latest leaves that can be proven one by one: 64 bytes each, and 8 MiB of them. */
const KEPT_LEAVES = 131_072;
/** Subtrees of 2^10 leaves are kept for ever: 64 bytes for each 1,024 statements, 64 MiB after a thousand million of them. */
const KEPT_LEVEL = 10;

export interface MerkleLogLimits {
  readonly keptLeaves: number;
  readonly keptLevel: number;
}

export class MerkleLog {
  readonly #limits: MerkleLogLimits;
  /** Level k holds the hashes of complete subtrees of 2^k leaves. */
  readonly #levels: HashList[] = [new HashList()];

  constructor(limits: MerkleLogLimits = { keptLeaves: KEPT_LEAVES, keptLevel: KEPT_LEVEL }) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#level(0).length;
  }

  append(leafHash: Uint8Array): void {
    let hash = leafHash;
    for (let level = 0; ; level += 1) {
      const nodes = this.#level(level);
      nodes.push(hash);
      if (nodes.length % 2 === 1) break;
      hash = nodeHash(nodes.get(nodes.length - 2), hash);
    }
    this.#letGo();
  }

  /** Whole subtrees of the level that stays: what is inside of one that is kept can all be proven. */
  #letGo(): void {
    const { keptLeaves, keptLevel } = this.#limits;
    const subtrees = Math.floor((this.size - keptLeaves) / 2 ** keptLevel);
    for (let level = 0; level < keptLevel; level += 1)
      this.#level(level).dropBefore(subtrees * 2 ** (keptLevel - level));
  }

  /** MTH of the first `size` leaves. @throws {InputError} */
  root(size = this.size): Uint8Array {
    this.#checkSize(size);
    return size === 0 ? merkleRoot([]) : this.#hashOf(0, size);
  }

  /** PATH(index, D[0:size]), RFC 9162 §2.1.3.1. @throws {InputError} */
  inclusionProof(index: number, size = this.size): readonly Uint8Array[] {
    this.#checkSize(size);
    const proof: Uint8Array[] = [];
    let [start, end] = [0, size];
    while (end - start > 1) {
      const middle = start + splitPoint(end - start);
      if (index < middle) {
        proof.push(this.#hashOf(middle, end));
        end = middle;
      } else {
        proof.push(this.#hashOf(start, middle));
        start = middle;
      }
    }
    return proof.reverse();
  }

  /** PROOF(from, D[0:to]), RFC 9162 §2.1.4.1; of nothing, and of equal sizes, it is empty. @throws {InputError} */
  consistencyProof(from: number, to = this.size): readonly Uint8Array[] {
    this.#checkSize(to);
    this.#checkSize(from, to);
    if (from === 0 || from === to) return [];
    const proof: Uint8Array[] = [];
    let [start, end] = [0, to];
    while (end !== from) {
      const middle = start + splitPoint(end - start);
      if (from <= middle) {
        proof.push(this.#hashOf(middle, end));
        end = middle;
      } else {
        proof.push(this.#hashOf(start, middle));
        start = middle;
      }
    }
    // The old tree itself goes without saying; a part of it does not.
    if (start > 0) proof.push(this.#hashOf(start, end));
    return proof.reverse();
  }

  #level(level: number): HashList {
    return (this.#levels[level] ??= new HashList());
  }

  /** MTH(D[start:end]); `start` is a multiple of the largest power of two that fits, as in every range of the recursion. */
  #hashOf(start: number, end: number): Uint8Array {
    const level = Math.log2(end - start);
    if (Number.isInteger(level)) return this.#level(level).get(start / 2 ** level);
    const middle = start + splitPoint(end - start);
    return nodeHash(this.#hashOf(start, middle), this.#hashOf(middle, end));
  }

  #checkSize(size: number, limit = this.size): void {
    if (Number.isInteger(size) && size >= 0 && size <= limit) return;
    throw new InputError({
      code: "INPUT_INVALID",
      message: `the log has had no such size: sizes go from 0 to ${limit}`,
      details: { size, limit },
    });
  }
}
