/** Block headers as servers of a chain describe them (execution-apis, `eth_getBlockByNumber`), held to the hash that they are named by. */

import * as z from "zod";
import { fromHex, type Hex } from "../../protocol/bytes.ts";
import { address, bytes32, bytesHex } from "../../protocol/fields.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { ProofRefused } from "./proof-refused.ts";
import { encodeRlp } from "./rlp.ts";

export const quantity = z.string().regex(/^0x(?:0|[1-9a-f][0-9a-f]{0,63})$/);

/** In the order of the header's list. The optional ones came with forks, each behind those before it. */
const FIELDS = {
  parentHash: bytes32,
  sha3Uncles: bytes32,
  miner: address,
  stateRoot: bytes32,
  transactionsRoot: bytes32,
  receiptsRoot: bytes32,
  logsBloom: bytesHex,
  difficulty: quantity,
  number: quantity,
  gasLimit: quantity,
  gasUsed: quantity,
  timestamp: quantity,
  extraData: bytesHex,
  mixHash: bytes32,
  nonce: bytesHex,
  baseFeePerGas: quantity.optional(),
  withdrawalsRoot: bytes32.optional(),
  blobGasUsed: quantity.optional(),
  excessBlobGas: quantity.optional(),
  parentBeaconBlockRoot: bytes32.optional(),
  requestsHash: bytes32.optional(),
} as const;

const QUANTITIES: ReadonlySet<string> = new Set(
  Object.entries(FIELDS).flatMap(([name, field]) =>
    field === quantity || (field instanceof z.ZodOptional && field.unwrap() === quantity) ? [name] : [],
  ),
);

/** What else a server says of a block (its transactions, its size) is not read. */
export const BlockDescription = z.object({ ...FIELDS, hash: bytes32 });
export type BlockDescription = z.output<typeof BlockDescription>;

export interface BlockHeader {
  readonly hash: Hex;
  readonly parentHash: Hex;
  readonly number: bigint;
  /** Seconds. */
  readonly timestamp: bigint;
  readonly stateRoot: Hex;
  readonly receiptsRoot: Hex;
  readonly logsBloom: Hex;
  readonly beneficiary: Hex;
  readonly gasLimit: bigint;
  /** Zero before London. */
  readonly baseFee: bigint;
  readonly prevRandao: Hex;
}

/**
 * Holds on return: a block of that hash has this state root, number and time. A header with a field that is not known here hashes to
 * something else, and is refused. Left to the caller: that the chain has such a block.
 *
 * @throws {ProofRefused}
 */
export function verifyBlock(block: BlockDescription): BlockHeader {
  const values: Readonly<Record<string, string | undefined>> = block;
  const items = Object.keys(FIELDS).flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : [QUANTITIES.has(name) ? quantityBytes(value) : fromHex(value)];
  });
  const actual = keccak(encodeRlp(items));
  if (actual !== block.hash)
    throw new ProofRefused("header", `its fields hash to ${actual}, and it is named ${block.hash}`);
  const { hash, parentHash, stateRoot, receiptsRoot, logsBloom, miner, mixHash } = block;
  return {
    hash,
    parentHash,
    number: BigInt(block.number),
    timestamp: BigInt(block.timestamp),
    stateRoot,
    receiptsRoot,
    logsBloom,
    beneficiary: miner,
    gasLimit: BigInt(block.gasLimit),
    baseFee: BigInt(block.baseFeePerGas ?? "0x0"),
    prevRandao: mixHash,
  };
}

/** Big-endian, without zeros before it. */
export function quantityBytes(value: string): Uint8Array {
  const digits = BigInt(value).toString(16);
  return value === "0x0" ? new Uint8Array() : fromHex(`0x${digits.length % 2 === 0 ? "" : "0"}${digits}`);
}
