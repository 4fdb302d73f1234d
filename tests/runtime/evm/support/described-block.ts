/** A block as a server describes it, of a hash that is its own. */

import { fromHex, type Hex } from "../../../../protocol/bytes.ts";
import { keccak, keccakText } from "../../../../protocol/struct-hash.ts";
import type { BlockDescription } from "../../../../runtime/evm/block-header.ts";
import { encodeRlp } from "../../../../runtime/evm/rlp.ts";

export interface DescribedFields {
  readonly number: bigint;
  /** Seconds. */
  readonly timestamp: bigint;
  readonly parentHash?: Hex;
  readonly stateRoot?: Hex;
  readonly receiptsRoot?: Hex;
  readonly logsBloom?: Hex;
}

export function describeBlock({
  number,
  timestamp,
  parentHash,
  stateRoot,
  receiptsRoot,
  logsBloom,
}: DescribedFields): BlockDescription {
  const quantity = (value: bigint): `0x${string}` => `0x${value.toString(16)}`;
  const fields = {
    parentHash: parentHash ?? keccakText("parent"),
    sha3Uncles: keccakText("no uncles"),
    miner: `0x${"c0".repeat(20)}`,
    stateRoot: stateRoot ?? keccakText("state"),
    transactionsRoot: keccakText("transactions"),
    receiptsRoot: receiptsRoot ?? keccakText("receipts"),
    logsBloom: logsBloom ?? `0x${"00".repeat(256)}`,
    difficulty: "0x0",
    number: quantity(number),
    gasLimit: quantity(30_000_000n),
    gasUsed: "0x0",
    timestamp: quantity(timestamp),
    extraData: "0x",
    mixHash: keccakText("mix"),
    nonce: `0x${"00".repeat(8)}`,
  } as const;
  const numbers = new Set(["difficulty", "number", "gasLimit", "gasUsed", "timestamp"]);
  const items = Object.entries(fields).map(([name, value]) => {
    if (!numbers.has(name)) return fromHex(value);
    const digits = value.slice(2);
    return digits === "0"
      ? new Uint8Array()
      : fromHex(`0x${digits.length % 2 === 0 ? digits : `0${digits}`}`);
  });
  return { ...fields, hash: keccak(encodeRlp(items)) };
}
