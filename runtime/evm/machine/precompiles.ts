/** Contracts that are part of the chain's rules. Those that views call are here; the others are refused by their name. */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { concatBytes, type Hex } from "../../../protocol/bytes.ts";
import { NotSupported } from "./halt.ts";
import { addressOf, sliceOf, wordOf } from "./word.ts";

export interface Precompile {
  readonly gas: (input: Uint8Array) => number;
  readonly run: (input: Uint8Array) => Uint8Array;
}

const words = (input: Uint8Array): number => Math.ceil(input.length / 32);

const ECRECOVER: Precompile = { gas: () => 3_000, run: recover };
const SHA256: Precompile = { gas: (input) => 60 + 12 * words(input), run: (input) => sha256(input) };
const IDENTITY: Precompile = { gas: (input) => 15 + 3 * words(input), run: (input) => input.slice() };

/** By address: the chain's rules have these, and null is not computed here. */
const PRECOMPILES: ReadonlyMap<Hex, Precompile | null> = new Map([
  ...Array.from({ length: 0x11 }, (_, index) => [addressOf(BigInt(index + 1)), null] as const),
  [addressOf(0x100n), null],
  [addressOf(1n), ECRECOVER],
  [addressOf(2n), SHA256],
  [addressOf(4n), IDENTITY],
]);

export const PRECOMPILE_ADDRESSES: readonly Hex[] = [...PRECOMPILES.keys()];

/** null for any other account. @throws {NotSupported} */
export function precompileOf(address: Hex): Precompile | null {
  const found = PRECOMPILES.get(address);
  if (found === null) throw new NotSupported(`it calls the precompile ${address}`);
  return found ?? null;
}

/** Nothing where the signature is none: not even an error. */
function recover(input: Uint8Array): Uint8Array {
  const [hash, v, r, s] = [0n, 32n, 64n, 96n].map((at) => sliceOf(input, at, 32));
  const recovery = wordOf(v ?? new Uint8Array()) - 27n;
  if (hash === undefined || r === undefined || s === undefined || (recovery !== 0n && recovery !== 1n))
    return new Uint8Array();
  try {
    const signature = secp256k1.Signature.fromBytes(
      concatBytes(Uint8Array.of(Number(recovery)), r, s),
      "recovered",
    );
    const key = signature.recoverPublicKey(hash).toBytes(false);
    return concatBytes(new Uint8Array(12), keccak_256(key.subarray(1)).subarray(12));
  } catch {
    return new Uint8Array();
  }
}
