/** Our reader of Merkle-Patricia proofs beside @ethereumjs/mpt's tries. */

import { createMerkleProof, createMPT, type MerklePatriciaTrie } from "@ethereumjs/mpt";
import { equalBytes, toHex } from "../../protocol/bytes.ts";
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
