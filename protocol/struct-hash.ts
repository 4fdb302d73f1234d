/**
 * Hashes of structs whose fields are all static, as Solidity's `abi.encode` lays them out (one word each) and
 * as EIP-712 hashes them: keccak256(typehash ‖ words).
 */

import { keccak_256 } from "@noble/hashes/sha3.js";
import { concatBytes, fromHex, toHex, toUtf8, type Hex } from "./bytes.ts";

export type Word = Uint8Array<ArrayBuffer>;

export function keccak(bytes: Uint8Array): Hex {
  return toHex(keccak_256(bytes));
}

/** keccak256 of a text's UTF-8 bytes, as Solidity's `keccak256("…")`. */
export function keccakText(text: string): Hex {
  return keccak(toUtf8(text));
}

/** An unsigned integer as a big-endian word. The caller has checked its range. */
export function uintWord(value: bigint | number): Word {
  return fromHex(`0x${BigInt(value).toString(16).padStart(64, "0")}`, 32);
}

export function addressWord(value: Hex): Word {
  return concatBytes(new Uint8Array(12), fromHex(value, 20));
}

export function bytes32Word(value: Hex): Word {
  return fromHex(value, 32);
}

export function hashWords(typehash: Hex, words: readonly Word[]): Hex {
  return keccak(concatBytes(fromHex(typehash, 32), ...words));
}
