/** A `SnapshotLedger` (contracts/src/ledger/ISnapshotLedger.sol), as its settler reads and calls it. */

import * as z from "zod";
import { LedgerTerms } from "../../../coprocessor/ledger/entry.ts";
import type { LedgerLog } from "../../../coprocessor/ledger/ledger-events.ts";
import type { Snapshot, SnapshotMember } from "../../../coprocessor/ledger/snapshot.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { ChainError } from "../../../protocol/errors.ts";
import { askedLogs } from "../rpc/asked-logs.ts";
import { BlockHeader, data, Log, quantity, toQuantity } from "../rpc/block.ts";
import { callEndpoint, type RpcPool } from "../rpc/rpc-pool.ts";
import { ledgerInterface as ledger } from "./contracts.ts";

type Reads = Pick<RpcPool, "call" | "use">;

export interface LedgerProgress {
  /** Entries asked. */
  readonly position: bigint;
  readonly epochs: number;
}

/** A member with its signature; empty of one that only answered. */
export interface SignedMember extends SnapshotMember {
  readonly signature: Hex;
}

/** @throws {ChainError} also when there is no ledger at the address */
export async function readLedgerTerms(rpc: Reads, address: Hex): Promise<LedgerTerms> {
  const [terms] = await readView(rpc, address, "terms", []);
  const read = terms as Readonly<Record<keyof LedgerTerms, bigint | string>>;
  return LedgerTerms.parse({
    policyId: String(read.policyId),
    threshold: Number(read.threshold),
    aggregation: Number(read.aggregation),
    maxOutputBytes: Number(read.maxOutputBytes),
    price: String(read.price),
    priorityWindowSeconds: Number(read.priorityWindowSeconds),
    exitWindowSeconds: Number(read.exitWindowSeconds),
    refuteWindowSeconds: Number(read.refuteWindowSeconds),
  });
}

/** As of the newest block. */
export async function readLedgerProgress(rpc: Reads, address: Hex): Promise<LedgerProgress> {
  const [position, , epochs] = await readView(rpc, address, "progress", []);
  return { position: BigInt(String(position)), epochs: Number(epochs) };
}

/** As of the newest block. */
export async function isCheckpointed(rpc: Reads, address: Hex, position: bigint): Promise<boolean> {
  const [hash] = await readView(rpc, address, "checkpointOf", [position]);
  return BigInt(String(hash)) !== 0n;
}

/** Everything that the ledger logged in these blocks, in the chain's order. */
export async function readLedgerLogs(
  rpc: Reads,
  address: Hex,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<readonly LedgerLog[]> {
  const filter = { address, fromBlock: toQuantity(from), toBlock: toQuantity(to) };
  const logs = await rpc.use((endpoint) =>
    callEndpoint(endpoint, { method: "eth_getLogs", params: [filter] }, z.array(Log)),
  );
  return askedLogs(logs, filter).toSorted(
    (one, other) => one.blockNumber - other.blockNumber || one.logIndex - other.logIndex,
  );
}

/** @throws {ChainError} CHAIN_REORGED where the chain has no such block any more */
export async function readBlockHash(rpc: Reads, number: bigint): Promise<Hex> {
  const block = await rpc.call("eth_getBlockByNumber", [toQuantity(number), false], BlockHeader.nullable());
  if (block !== null) return block.hash;
  throw new ChainError({
    code: "CHAIN_REORGED",
    message: "the checkpoint's block is gone",
    details: { number: number.toString() },
  });
}

export function encodeCheckpoint(): Hex {
  return ledger.encodeFunctionData("checkpoint") as Hex;
}

export function encodeSettle(snapshot: Snapshot, members: readonly SignedMember[], rows: Hex): Hex {
  return ledger.encodeFunctionData("settle", [snapshot, [...members], rows]) as Hex;
}

/** The gas that the call would use in the next block. @throws {ChainError} CHAIN_REVERTED when it would revert */
export function estimateLedgerGas(
  rpc: Reads,
  call: { readonly from: Hex; readonly to: Hex; readonly data: Hex },
): Promise<number> {
  return rpc.call("eth_estimateGas", [call, "pending"], quantity);
}

type View = "terms" | "progress" | "checkpointOf";

async function readView(
  rpc: Reads,
  address: Hex,
  view: View,
  args: readonly bigint[],
): Promise<readonly unknown[]> {
  const call = { to: address, data: ledger.encodeFunctionData(view as "checkpointOf", args as [bigint]) };
  const result = await rpc.call("eth_call", [call, "latest"], data);
  if (result !== "0x") return [...ledger.decodeFunctionResult(view as "checkpointOf", result)] as unknown[];
  throw new ChainError({
    code: "CHAIN_REVERTED",
    message: "there is no ledger at the address",
    details: { ledger: address },
  });
}
