/** Merkle-Patricia proofs (Yellow Paper, appendix D): what a trie with a given root says of a key. */

import { keccak_256 } from "@noble/hashes/sha3.js";
import { equalBytes } from "../../protocol/bytes.ts";
import { ProofRefused } from "./proof-refused.ts";
import { decodeRlp, type RlpItem } from "./rlp.ts";

const HASH_BYTES = 32;
const BRANCH_ITEMS = 17;
/** The empty trie: some servers show its one node, others none. */
const EMPTY_NODE = Uint8Array.of(0x80);
const EMPTY_ROOT = keccak_256(EMPTY_NODE);

/**
 * The value under `key`, or null where the trie provably has none. Every node of `proof` is used: none can be left in it that
 * nobody looked at.
 *
 * @param key already hashed, where the trie's keys are
 * @throws {ProofRefused}
 */
export function verifyTrieProof(
  root: Uint8Array,
  key: Uint8Array,
  proof: readonly Uint8Array[],
): Uint8Array | null {
  if (equalBytes(root, EMPTY_ROOT) && proof.every((node) => equalBytes(node, EMPTY_NODE))) return null;
  return new Walk(toNibbles(key), proof).from(root);
}

export function toNibbles(bytes: Uint8Array): readonly number[] {
  return Array.from(bytes).flatMap((byte) => [byte >> 4, byte & 15]);
}

class Walk {
  readonly #nibbles: readonly number[];
  readonly #proof: readonly Uint8Array[];
  #at = 0;
  #used = 0;

  constructor(nibbles: readonly number[], proof: readonly Uint8Array[]) {
    this.#nibbles = nibbles;
    this.#proof = proof;
  }

  from(root: Uint8Array): Uint8Array | null {
    let reference: RlpItem = root;
    for (;;) {
      const node = this.#resolve(reference);
      const next = node.length === BRANCH_ITEMS ? this.#branch(node) : this.#path(node);
      if ("end" in next) return this.#end(next.end);
      reference = next.reference;
    }
  }

  /** The node that a parent names by its hash, or holds itself where it is shorter than one. */
  #resolve(reference: RlpItem): readonly RlpItem[] {
    if (!(reference instanceof Uint8Array)) return reference;
    const bytes = this.#proof[this.#used];
    this.#used += 1;
    if (bytes === undefined) throw refused("a node is missing");
    if (reference.length !== HASH_BYTES || !equalBytes(keccak_256(bytes), reference))
      throw refused("a node is not the one that its parent names");
    if (bytes.length < HASH_BYTES && this.#used > 1)
      throw refused("a short node stands apart from its parent");
    const node = decodeRlp(bytes);
    if (node instanceof Uint8Array) throw refused("a node is no list");
    return node;
  }

  #branch(node: readonly RlpItem[]): Next {
    const nibble = this.#nibbles[this.#at];
    if (nibble === undefined) return { end: valueOf(node[BRANCH_ITEMS - 1]) };
    this.#at += 1;
    const child = node[nibble];
    if (child === undefined) throw refused("a branch lacks a child");
    return child instanceof Uint8Array && child.length === 0 ? { end: null } : { reference: child };
  }

  #path(node: readonly RlpItem[]): Next {
    const [path, child] = node;
    if (node.length !== 2 || child === undefined || !(path instanceof Uint8Array))
      throw refused("a node has neither 2 nor 17 items");
    const { isLeaf, nibbles } = readPath(path);
    const fits = nibbles.every((nibble, index) => nibble === this.#nibbles[this.#at + index]);
    if (isLeaf) {
      const isWhole = this.#at + nibbles.length === this.#nibbles.length;
      return { end: fits && isWhole ? valueOf(child) : null };
    }
    if (nibbles.length === 0) throw refused("an extension is empty");
    if (!fits) return { end: null };
    this.#at += nibbles.length;
    return { reference: child };
  }

  #end(value: Uint8Array | null): Uint8Array | null {
    if (this.#used === this.#proof.length) return value;
    throw refused("nodes are left over");
  }
}

type Next = { readonly end: Uint8Array | null } | { readonly reference: RlpItem };

/** An empty value is none. */
function valueOf(item: RlpItem | undefined): Uint8Array | null {
  if (!(item instanceof Uint8Array)) throw refused("a value is a list");
  return item.length === 0 ? null : item;
}

/** Hex prefix encoding (appendix C): bit 1 of the first nibble is a leaf's, bit 0 says that the path's length is odd. */
function readPath(path: Uint8Array): { readonly isLeaf: boolean; readonly nibbles: readonly number[] } {
  const [flag, ...rest] = toNibbles(path);
  if (flag === undefined || flag > 3) throw refused("a path's prefix is unknown");
  const isOdd = flag % 2 === 1;
  if (!isOdd && rest[0] !== 0) throw refused("a path's padding is not zero");
  return { isLeaf: flag >= 2, nibbles: isOdd ? rest : rest.slice(1) };
}

function refused(message: string): ProofRefused {
  return new ProofRefused("trie", message);
}
