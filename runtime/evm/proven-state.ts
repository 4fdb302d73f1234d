/** What `eth_getProof` shows of an account and of its storage, proven against a state root (EIP-1186). */

import { keccak_256 } from "@noble/hashes/sha3.js";
import * as z from "zod";
import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { bytesHex } from "../../protocol/fields.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { ProofRefused } from "./proof-refused.ts";
import { decodeRlp } from "./rlp.ts";
import { verifyTrieProof } from "./trie-proof.ts";

/** Nodes from a root to a leaf: a key has 64 nibbles. */
const MAX_NODES = 65;
const nodes = z.array(bytesHex).max(MAX_NODES);

/** The proofs alone: what the server says that they come to is not read. */
export const StateProof = z.object({
  accountProof: nodes,
  storageProof: z.array(z.object({ proof: nodes })).max(64),
});
export type StateProof = z.output<typeof StateProof>;

export interface ProvenAccount {
  readonly nonce: bigint;
  readonly balance: bigint;
  readonly codeHash: Hex;
  readonly storageRoot: Hex;
}

/** Of an account that is not there (EIP-1052 tells it from one without code by a zero hash; its storage is empty). */
const NOBODY: ProvenAccount = {
  nonce: 0n,
  balance: 0n,
  codeHash: `0x${"00".repeat(32)}`,
  storageRoot: keccak(Uint8Array.of(0x80)),
};

/** @throws {ProofRefused} */
export function verifyAccount(stateRoot: Hex, address: Hex, proof: readonly Hex[]): ProvenAccount {
  const value = verifyTrieProof(
    fromHex(stateRoot),
    keccak_256(fromHex(address, 20)),
    proof.map((node) => fromHex(node)),
  );
  if (value === null) return NOBODY;
  const [nonce, balance, storageRoot, codeHash, ...more] = itemsOf(value);
  if (
    nonce === undefined ||
    balance === undefined ||
    storageRoot?.length !== 32 ||
    codeHash?.length !== 32 ||
    more.length > 0
  )
    throw new ProofRefused("account", "it has four fields: nonce, balance, storage root and code hash");
  return {
    nonce: numberOf("account", nonce),
    balance: numberOf("account", balance),
    storageRoot: toHex(storageRoot),
    codeHash: toHex(codeHash),
  };
}

function itemsOf(value: Uint8Array): readonly Uint8Array[] {
  const items = decodeRlp(value);
  if (items instanceof Uint8Array) throw new ProofRefused("account", "it is no list");
  return items.map((item) => {
    if (item instanceof Uint8Array) return item;
    throw new ProofRefused("account", "a field is a list");
  });
}

/** The word under `slot`; zero where there is none. @throws {ProofRefused} */
export function verifySlot(storageRoot: Hex, slot: Hex, proof: readonly Hex[]): Hex {
  const value = verifyTrieProof(
    fromHex(storageRoot),
    keccak_256(fromHex(slot, 32)),
    proof.map((node) => fromHex(node)),
  );
  if (value === null) return word(0n);
  const item = decodeRlp(value);
  if (!(item instanceof Uint8Array)) throw new ProofRefused("storage", "a word is a list");
  // Anvil keeps slots that were set to zero; no public chain has any.
  return word(numberOf("storage", item));
}

function word(value: bigint): Hex {
  return `0x${value.toString(16).padStart(64, "0")}`;
}

function numberOf(part: "account" | "storage", bytes: Uint8Array): bigint {
  if (bytes.length > 32 || bytes[0] === 0) throw new ProofRefused(part, "a number is not canonical");
  return bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
}
