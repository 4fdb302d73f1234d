import { keccak_256 } from "@noble/hashes/sha3.js";
import { fromHex, type Hex } from "../../protocol/bytes.ts";

const BLOOM_BYTES = 256;

/**
 * Whether a block's bloom filter may contain `value` (an address or a topic): Ethereum Yellow Paper §4.4.3, M3:2048.
 * False is certain. A bloom of another size tells nothing: false.
 */
export function bloomMayContain(bloom: Hex, value: Hex): boolean {
  const bits = fromHex(bloom);
  if (bits.length !== BLOOM_BYTES) return false;
  const hash = keccak_256(fromHex(value));
  return [0, 2, 4].every((at) => {
    const bit = (((hash[at] ?? 0) << 8) | (hash[at + 1] ?? 0)) & 0x7ff;
    return (((bits[BLOOM_BYTES - 1 - (bit >> 3)] ?? 0) >> (bit & 7)) & 1) === 1;
  });
}
