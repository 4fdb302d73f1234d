/** What a program is told of a chain's state: proven, out of what a server showed. */

import type { Json } from "../../protocol/canonical-json.ts";
import { verifyBlock } from "../evm/block-header.ts";
import { ProofRefused } from "../evm/proof-refused.ts";
import { verifyAccount, verifySlot } from "../evm/proven-state.ts";
import { mayHaveLog, verifyLogs } from "../evm/receipts.ts";
import type { LogsArgs, ProveArgs } from "./call-args.ts";

/** @throws {ProofRefused} */
export function proveState({ block, hash, state }: ProveArgs): Json {
  const header = verifyBlock(block);
  if (hash !== null && header.hash !== hash)
    throw new ProofRefused("header", `it is of block ${header.hash}, and ${hash} was asked for`);
  const told = {
    number: header.number.toString(),
    hash: header.hash,
    timestamp: Number(header.timestamp),
  };
  if (state === null) return { block: told };
  const { address, slots, proof } = state;
  const account = verifyAccount(header.stateRoot, address, proof.accountProof);
  const storage = slots.map((slot, index) =>
    verifySlot(account.storageRoot, slot, proof.storageProof[index]?.proof ?? []),
  );
  const { nonce, balance, codeHash } = account;
  return {
    block: told,
    account: { nonce: nonce.toString(), balance: balance.toString(), codeHash },
    storage,
  };
}

/** @throws {ProofRefused} for another block, and for receipts that are not all of the block's */
export function proveLogs({ block, hash, receipts, filter }: LogsArgs): Json {
  const header = verifyBlock(block);
  if (header.hash !== hash)
    throw new ProofRefused("header", `it is of block ${header.hash}, and ${hash} was asked for`);
  const mayHave = mayHaveLog(header, filter);
  const logs = receipts === null ? [] : verifyLogs(header, receipts, filter);
  const number = header.number.toString();
  return {
    parentHash: header.parentHash,
    mayHave,
    logs: logs.map((log) => ({ ...log, blockNumber: number, blockHash: hash })),
  };
}
