/** The JSON-RPC forms that the oracle reads, checked at the edge. */

import * as z from "zod";
import { type Hex, isHex } from "../../../protocol/bytes.ts";

const LARGEST = BigInt(Number.MAX_SAFE_INTEGER);

/** Some servers fill quantities up with zeros. */
export const quantity = z
  .string()
  .regex(/^0x0*[0-9a-fA-F]{1,13}$/, { error: "expected a quantity that fits a double" })
  .max(66)
  .transform((text) => Number.parseInt(text, 16));

/** Of a limit that some chains set beyond all bounds: what is larger counts as the largest that a double holds. */
const clampedQuantity = z
  .string()
  .regex(/^0x0*[0-9a-fA-F]{1,64}$/)
  .transform((text) => Number(BigInt(text) < LARGEST ? BigInt(text) : LARGEST));

export const bigQuantity = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,64}$/)
  .transform((text) => BigInt(text));

/** Addresses come in checksum case from some nodes: lowered. */
export const data = z.string().transform((text, context): Hex => {
  const lower = text.toLowerCase();
  if (!isHex(lower)) {
    context.addIssue({ code: "custom", message: "expected hex" });
    return z.NEVER;
  }
  return lower;
});

/** Servers say null of a field that a block, a log or a receipt of theirs has not got: what is optional is absent then. */
const withoutNulls = (value: unknown): unknown =>
  typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null))
    : value;

export const BlockHeader = z.preprocess(
  withoutNulls,
  z.object({
    number: quantity,
    hash: data,
    parentHash: data,
    timestamp: quantity,
    logsBloom: data.optional(),
    baseFeePerGas: bigQuantity.optional(),
    gasLimit: clampedQuantity.optional(),
  }),
);
export type BlockHeader = z.output<typeof BlockHeader>;

export const Log = z.preprocess(
  withoutNulls,
  z.object({
    address: data,
    topics: z.array(data),
    data,
    blockNumber: quantity,
    blockHash: data,
    transactionHash: data,
    logIndex: quantity,
    removed: z.boolean().optional(),
  }),
);
export type Log = z.output<typeof Log>;

const TransactionReceipt = z.object({
  transactionHash: data,
  blockNumber: quantity,
  blockHash: data,
  /** Absent on a chain that leaves out what every transaction of a block has: its events tell what it did. */
  status: quantity.optional(),
  gasUsed: bigQuantity,
  effectiveGasPrice: bigQuantity.optional(),
});
export type TransactionReceipt = z.output<typeof TransactionReceipt>;

/** Null for a transaction that is in no block: some servers have a receipt of it all the same, of no block. */
export const FoundReceipt = z.union([
  z.null(),
  z.looseObject({ blockNumber: z.null() }).transform(() => null),
  z.preprocess(withoutNulls, TransactionReceipt),
]);

export function toQuantity(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}
