/** Our reader of Merkle-Patricia proofs beside @ethereumjs/mpt's tries, and against changed proofs. */

import { createMerkleProof, createMPT, type MerklePatriciaTrie } from "@ethereumjs/mpt";
import { equalBytes, toHex } from "../../protocol/bytes.ts";
import { ProofRefused } from "../../runtime/evm/proof-refused.ts";
import { verifyTrieProof } from "../../runtime/evm/trie-proof.ts";
import { createRandom } from "./random.ts";

interface RandomTrie {
  readonly trie: MerklePatriciaTrie;
  readonly values: ReadonlyMap<string, Uint8Array>;
  readonly keys: readonly Uint8Array[];
}

/** Short keys over few digits make short nodes, which stand inside of their parents; long ones make the others. */
async function createTrie(random: () => number): Promise<RandomTrie> {
  const below = (most: number): number => Math.floor(random() * most);
  const trie = await createMPT();
  const digits = random() < 0.5 ? 256 : 3;
  const length = 1 + below(4);
  const key = (): Uint8Array => Uint8Array.from({ length }, () => below(digits));
  const values = new Map<string, Uint8Array>();
  const keys: Uint8Array[] = [];
  for (let count = 1 + below(40); count > 0; count -= 1) {
    const at = key();
    const value = Uint8Array.from({ length: 1 + below(40) }, () => 1 + below(255));
    await trie.put(at, value);
    values.set(toHex(at), value);
    keys.push(at, key());
  }
  return { trie, values, keys };
}

/** As servers show it: theirs lists nodes again that stand inside of their parents. */
async function proofOf(trie: MerklePatriciaTrie, key: Uint8Array): Promise<readonly Uint8Array[]> {
  const nodes = await createMerkleProof(trie, key);
  return nodes.filter((node, index) => index === 0 || node.length >= 32);
}

export async function compareTries(
  tries: number,
  seed: number,
): Promise<{ readonly checks: number; readonly differences: readonly string[] }> {
  const random = createRandom(seed);
  const differences: string[] = [];
  let checks = 0;
  for (let made = 0; made < tries; made += 1) {
    const { trie, values, keys } = await createTrie(random);
    for (const key of keys) {
      const expected = values.get(toHex(key)) ?? null;
      const actual = verifyTrieProof(trie.root(), key, await proofOf(trie, key));
      checks += 1;
      const isSame =
        expected === null || actual === null ? expected === actual : equalBytes(expected, actual);
      if (!isSame) differences.push(`${toHex(key)} in trie ${made}`);
    }
  }
  return { checks, differences };
}

/** Flips a bit, or drops, repeats or swaps nodes. An accepted one is a finding, unless it is the proof itself again. */
export async function mutateProofs(
  count: number,
  seed: number,
): Promise<{ readonly tried: number; readonly accepted: readonly string[] }> {
  const random = createRandom(seed);
  const below = (most: number): number => Math.floor(random() * most);
  const accepted: string[] = [];
  let tried = 0;
  while (tried < count) {
    const { trie, keys } = await createTrie(random);
    for (const key of keys) {
      const proof = await proofOf(trie, key);
      for (let round = 0; round < 8 && tried < count; round += 1) {
        const changed = mutate(proof, below);
        if (
          changed.length === proof.length &&
          changed.every((node, index) => equalBytes(node, proof[index] ?? new Uint8Array()))
        )
          continue;
        tried += 1;
        try {
          verifyTrieProof(trie.root(), key, changed);
          accepted.push(`${toHex(key)}: ${changed.map(toHex).join(" ")}`);
        } catch (error) {
          // Nothing but a refusal: a bug that throws is a finding too.
          if (!(error instanceof ProofRefused)) throw error;
        }
      }
    }
  }
  return { tried, accepted };
}

function mutate(proof: readonly Uint8Array[], below: (most: number) => number): readonly Uint8Array[] {
  const at = below(proof.length);
  switch (below(8)) {
    case 0:
      return proof.filter((_, index) => index !== at);
    case 1:
      return [...proof, proof[at] ?? new Uint8Array()];
    case 2:
      return proof.toReversed();
    default:
      return proof.map((node, index) => {
        if (index !== at) return node;
        const bytes = node.slice();
        const byte = below(bytes.length);
        bytes[byte] = (bytes[byte] ?? 0) ^ (1 << below(8));
        return bytes;
      });
  }
}
