/** The root of a list's Merkle-Patricia trie: its keys are the indexes, as RLP (transactions, receipts, withdrawals). */

import { keccak_256 } from "@noble/hashes/sha3.js";
import type { Hex } from "../../protocol/bytes.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { encodeRlp, type RlpItem } from "./rlp.ts";
import { toNibbles } from "./trie-proof.ts";

const HASH_BYTES = 32;
const NOTHING = new Uint8Array();

interface Entry {
  readonly nibbles: readonly number[];
  readonly value: Uint8Array;
}

export function orderedTrieRoot(values: readonly Uint8Array[]): Hex {
  const entries = values.map((value, index) => ({ nibbles: toNibbles(encodeRlp(indexBytes(index))), value }));
  return keccak(encodeRlp(nodeOf(entries, 0)));
}

function indexBytes(index: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = index; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.from(bytes);
}

/** Of entries whose keys are the same before `depth`; none is another's beginning. */
function nodeOf(entries: readonly Entry[], depth: number): RlpItem {
  const [first, ...others] = entries;
  if (first === undefined) return NOTHING;
  if (others.length === 0) return [hexPrefix(first.nibbles.slice(depth), true), first.value];
  let shared = depth;
  while (others.every(({ nibbles }) => nibbles[shared] === first.nibbles[shared])) shared += 1;
  if (shared > depth) {
    const path = hexPrefix(first.nibbles.slice(depth, shared), false);
    return [path, reference(nodeOf(entries, shared))];
  }
  const children = Array.from({ length: 16 }, (_, nibble) =>
    reference(
      nodeOf(
        entries.filter(({ nibbles }) => nibbles[depth] === nibble),
        depth + 1,
      ),
    ),
  );
  return [...children, NOTHING];
}

/** A node that is shorter than its hash stands in its parent. */
function reference(node: RlpItem): RlpItem {
  if (node instanceof Uint8Array) return node;
  const encoded = encodeRlp(node);
  return encoded.length < HASH_BYTES ? node : keccak_256(encoded);
}

function hexPrefix(nibbles: readonly number[], isLeaf: boolean): Uint8Array {
  const isOdd = nibbles.length % 2 === 1;
  const all = [(isLeaf ? 2 : 0) + (isOdd ? 1 : 0), ...(isOdd ? [] : [0]), ...nibbles];
  return Uint8Array.from(
    { length: all.length / 2 },
    (_, at) => 16 * (all[2 * at] ?? 0) + (all[2 * at + 1] ?? 0),
  );
}
