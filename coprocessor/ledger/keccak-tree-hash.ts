/** The state tree of snapshots (ADR 58): nothing but enclaves and readers of logs ever hashes it. */

import { concatBytes, fromHex, type Hex } from "../../protocol/bytes.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { uint64Bytes } from "./row.ts";
import type { TreeHash } from "./tree-hash.ts";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const SLOT = Uint8Array.of(2);
const LOW_64_BITS = 2n ** 64n - 1n;

/** Of an empty subtree, at every level: nobody knows what hashes to it. */
export const EMPTY_NODE: Hex = `0x${"00".repeat(32)}`;

export const keccakTreeHash: TreeHash<Hex> = {
  leaf: ({ key, seq, value }) =>
    keccak(concatBytes(LEAF, fromHex(key, 32), uint64Bytes(seq), fromHex(value, 32))),
  parent: (children) =>
    children.every((child) => child === EMPTY_NODE)
      ? EMPTY_NODE
      : keccak(concatBytes(NODE, ...children.map((child) => fromHex(child, 32)))),
  slot: (key) => BigInt(keccak(concatBytes(SLOT, fromHex(key, 32)))) & LOW_64_BITS,
  empty: () => EMPTY_NODE,
};
