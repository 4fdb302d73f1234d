/** Calldata of the few functions that the guard calls; the selectors are the contracts'. */

type Hex = `0x${string}`;

const REPAY = "371fd8e6";
const SWAP = "d3986f08";
const TRANSFER = "a9059cbb";

const word = (value: bigint): string => value.toString(16).padStart(64, "0");

export function repay(amount: bigint): Hex {
  return `0x${REPAY}${word(amount)}`;
}

export function swap(amount: bigint, recipient: string): Hex {
  return `0x${SWAP}${word(amount)}${word(BigInt(recipient))}`;
}

export function transfer(recipient: string, amount: bigint): Hex {
  return `0x${TRANSFER}${word(BigInt(recipient))}${word(amount)}`;
}
