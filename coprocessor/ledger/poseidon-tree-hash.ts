/** The state tree of proven epochs, equal to the circuit's (coprocessor/circuits/ledger): elements of BN254's scalar field. */

import { permute, poseidon2Hash } from "@zkpassport/poseidon2";
import { toHex, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { uintWord } from "../../protocol/struct-hash.ts";
import type { NodeWire } from "./state-path.ts";
import { TREE_LEVELS, type Children, type TreeHash } from "./tree-hash.ts";

export const FIELD_ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;

const LIMB = 2n ** 128n;
const LOW_64_BITS = 2n ** 64n - 1n;

/** The first input of a hash, so that no two uses share one. */
export const fieldTag = (text: string): bigint => BigInt(toHex(toUtf8(text)));
const TAG_LEAF = fieldTag("Adyton.leaf");
const TAG_SLOT = fieldTag("Adyton.slot");

/** A word in two limbs: it may exceed the field. */
export function limbsOf(word: Hex): readonly [hi: bigint, lo: bigint] {
  const value = BigInt(word);
  return [value / LIMB, value % LIMB];
}

function parent(children: Children<bigint>): bigint {
  const [first] = permute([...children]);
  if (first === undefined) throw new Error("a permutation of four has four");
  // Feed-forward: a permutation alone could be run backwards.
  return (first + children[0]) % FIELD_ORDER;
}

const EMPTY = Array.from({ length: TREE_LEVELS }).reduce<readonly bigint[]>(
  (levels) => {
    const below = levels.at(-1) ?? 0n;
    return [...levels, parent([below, below, below, below])];
  },
  [0n],
);

export const poseidonTreeHash: TreeHash<bigint> = {
  leaf: ({ key, seq, value }) => poseidon2Hash([TAG_LEAF, ...limbsOf(key), seq, ...limbsOf(value)]),
  parent,
  slot: (key) => poseidon2Hash([TAG_SLOT, ...limbsOf(key)]) & LOW_64_BITS,
  empty: (level) => EMPTY[level] ?? 0n,
};

/** Nodes of paths on a wire (`toStatePathWire`). */
export const POSEIDON_NODES: NodeWire<bigint> = {
  empty: poseidonTreeHash.empty,
  encode: (node) => toHex(uintWord(node)),
  decode: BigInt,
};
