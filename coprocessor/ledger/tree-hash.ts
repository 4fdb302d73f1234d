/** A state tree's hash function: keccak for snapshots, Poseidon2 for proofs. The tree itself is one. */

import type { Hex } from "../../protocol/bytes.ts";
import type { Cell } from "./row.ts";

/** Levels of four children each: 2^64 slots. */
export const TREE_LEVELS = 32;

export type Children<Node> = readonly [Node, Node, Node, Node];

export interface TreeHash<Node> {
  readonly leaf: (cell: Cell) => Node;
  readonly parent: (children: Children<Node>) => Node;
  /** Where a key lies. Two keys with one slot are told apart by the leaf, which holds the whole key. */
  readonly slot: (key: Hex) => bigint;
  /** The node of a subtree that holds nothing; level 0 is a leaf. */
  readonly empty: (level: number) => Node;
}
