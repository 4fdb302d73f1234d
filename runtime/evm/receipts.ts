/** A block's receipts, and the logs in them: all of them, or none are believed. */

import { keccak_256 } from "@noble/hashes/sha3.js";
import * as z from "zod";
import { concatBytes, fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { address, bytes32, bytesHex } from "../../protocol/fields.ts";
import { quantity, quantityBytes, type BlockHeader } from "./block-header.ts";
import { orderedTrieRoot } from "./ordered-trie.ts";
import { ProofRefused } from "./proof-refused.ts";
import { encodeRlp } from "./rlp.ts";

const MAX_TOPICS = 4;
const BLOOM_BYTES = 256;
const LEGACY = "0x0";

/** As `eth_getBlockReceipts` shows it; what else it says is not read. */
export const ShownReceipt = z.object({
  type: quantity.default(LEGACY),
  status: quantity,
  cumulativeGasUsed: quantity,
  logs: z.array(z.object({ address, topics: z.array(bytes32).max(MAX_TOPICS), data: bytesHex })),
  /** Of deposits on rollups of the OP stack. */
  depositNonce: quantity.optional(),
  depositReceiptVersion: quantity.optional(),
});
export type ShownReceipt = z.output<typeof ShownReceipt>;

export interface LogFilter {
  readonly address: Hex;
  /** In their places; null: any. */
  readonly topics: readonly (Hex | null)[];
}

export interface ProvenLog {
  readonly address: Hex;
  readonly topics: readonly Hex[];
  readonly data: Hex;
  readonly transactionIndex: number;
  /** In the block. */
  readonly logIndex: number;
}

/** Whether a block can have such a log: its header says for certain where it cannot. */
export function mayHaveLog({ logsBloom }: BlockHeader, { address: of, topics }: LogFilter): boolean {
  const bloom = fromHex(logsBloom);
  return [of, ...topics].every((item) => item === null || bitsOf(item).every((bit) => hasBit(bloom, bit)));
}

/**
 * The logs of a block that fit, in their order, and no other block's: all of its receipts are under the header's root.
 *
 * @throws {ProofRefused}
 */
export function verifyLogs(
  header: BlockHeader,
  receipts: readonly ShownReceipt[],
  { address: of, topics }: LogFilter,
): readonly ProvenLog[] {
  return verifyAllLogs(header, receipts).filter(
    (log) => log.address === of && topics.every((topic, at) => topic === null || log.topics[at] === topic),
  );
}

/** All logs of a block, as `verifyLogs`: a log's index is its place among them. @throws {ProofRefused} */
export function verifyAllLogs(
  { receiptsRoot }: BlockHeader,
  receipts: readonly ShownReceipt[],
): readonly ProvenLog[] {
  const root = orderedTrieRoot(receipts.map(encodeReceipt));
  if (root !== receiptsRoot) {
    throw new ProofRefused(
      "receipts",
      `they are those of the root ${root}, and the block has ${receiptsRoot}`,
    );
  }
  return receipts
    .flatMap(({ logs }, transactionIndex) => logs.map((log) => ({ ...log, transactionIndex })))
    .map((log, logIndex) => ({ ...log, logIndex }));
}

/** EIP-2718: a byte for the type before the list, but for the oldest. */
function encodeReceipt({ type, status, cumulativeGasUsed, logs, ...deposit }: ShownReceipt): Uint8Array {
  const { depositNonce, depositReceiptVersion } = deposit;
  const list = encodeRlp([
    quantityBytes(status),
    quantityBytes(cumulativeGasUsed),
    bloomOf(logs),
    logs.map((log) => [fromHex(log.address), log.topics.map((topic) => fromHex(topic)), fromHex(log.data)]),
    ...(depositNonce === undefined ? [] : [quantityBytes(depositNonce)]),
    ...(depositReceiptVersion === undefined ? [] : [quantityBytes(depositReceiptVersion)]),
  ]);
  if (type === LEGACY) return list;
  const kind = quantityBytes(type);
  if (kind.length !== 1) throw new ProofRefused("receipts", `there is no type ${type}`);
  return concatBytes(kind, list);
}

function bloomOf(logs: ShownReceipt["logs"]): Uint8Array {
  const bloom = new Uint8Array(BLOOM_BYTES);
  for (const bit of logs.flatMap((log) => [log.address, ...log.topics].flatMap(bitsOf))) {
    const at = BLOOM_BYTES - 1 - (bit >> 3);
    bloom[at] = (bloom[at] ?? 0) | (1 << (bit & 7));
  }
  return bloom;
}

/** Yellow Paper, 4.3.1: the low eleven bits of the first three pairs of bytes. */
function bitsOf(item: Hex): readonly number[] {
  const hash = toHex(keccak_256(fromHex(item))).slice(2);
  return [0, 4, 8].map((at) => parseInt(hash.slice(at, at + 4), 16) & 2_047);
}

function hasBit(bloom: Uint8Array, bit: number): boolean {
  return ((bloom[BLOOM_BYTES - 1 - (bit >> 3)] ?? 0) & (1 << (bit & 7))) !== 0;
}
