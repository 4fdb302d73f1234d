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

/** Fields by which a server shows that its chain's blocks are hashed in a way of their own, and the chains that have them. */
const OTHER_CHAINS = {
  l1BatchNumber: "ZKsync",
  extDataHash: "Avalanche",
  epochSnarkData: "Celo before it came to the OP Stack",
  viewID: "Harmony",
  governanceData: "Kaia",
} as const;
const seen = z.unknown().optional();
const OTHER_FIELDS = {
  l1BatchNumber: seen,
  extDataHash: seen,
  epochSnarkData: seen,
  viewID: seen,
  governanceData: seen,
} satisfies Record<keyof typeof OTHER_CHAINS, z.ZodType>;

/** What else a server says of a block (its transactions, its size) is not read. */
export const BlockDescription = z.object({ ...FIELDS, ...OTHER_FIELDS, hash: bytes32 });
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
  /** Whose rules its code sees: on Arbitrum instructions that ask for the block say something else than its header. */
  readonly rules: "ethereum" | "arbitrum";
}

/**
 * Holds on return: a block of that hash has this state root, number and time. A header with a field that is not known here hashes to
 * something else, and is refused: those of Ethereum, of the OP Stack and of Arbitrum are known. Left to the caller: that the chain has such a block.
 *
 * @throws {ProofRefused}
 */
export function verifyBlock(block: BlockDescription): BlockHeader {
  const names = Object.keys(FIELDS) as (keyof typeof FIELDS)[];
  const items = names.flatMap((name) => {
    const value = block[name];
    return value === undefined ? [] : [QUANTITIES.has(name) ? quantityBytes(value) : fromHex(value)];
  });
  const actual = keccak(encodeRlp(items));
  if (actual !== block.hash) {
    const chain = otherChainOf(block);
    const why = chain === null ? "" : `: it is of ${chain}, whose blocks are proven otherwise`;
    throw new ProofRefused("header", `its fields hash to ${actual}, and it is named ${block.hash}${why}`);
  }
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
    rules: isOfArbitrum(block) ? "arbitrum" : "ethereum",
  };
}

function otherChainOf(block: BlockDescription): string | null {
  const fields = Object.keys(OTHER_CHAINS) as (keyof typeof OTHER_CHAINS)[];
  const field = fields.find((name) => block[name] !== undefined);
  return field === undefined ? null : OTHER_CHAINS[field];
}

/**
 * As Nitro reads its own headers: a difficulty of one, a root of messages in `extraData`, and in `mixHash` the version of ArbOS. No
 * other chain's block has all of them: where blocks are mined or sealed by keys, `extraData` or `mixHash` is something else.
 */
function isOfArbitrum({ difficulty, extraData, mixHash, baseFeePerGas }: BlockDescription): boolean {
  const version = BigInt(`0x${mixHash.slice(34, 50)}`);
  return difficulty === "0x1" && extraData.length === 66 && baseFeePerGas !== undefined && version > 0n;
}

/** Big-endian, without zeros before it. */
export function quantityBytes(value: string): Uint8Array {
  const digits = BigInt(value).toString(16);
  return value === "0x0" ? new Uint8Array() : fromHex(`0x${digits.length % 2 === 0 ? "" : "0"}${digits}`);
}
