/** Logs as a ledger's contract emits them, for what reads logs: encoded here by the ABI's rules and decoded by the code under test. */

import * as AbiEvent from "ox/AbiEvent";
import * as AbiParameters from "ox/AbiParameters";
import { appendEntry, ledgerKey, NO_ENTRY, type Checkpoint } from "../../coprocessor/ledger/entry.ts";
import { createEpochTree } from "../../coprocessor/ledger/epoch-tree.ts";
import type { LedgerLog } from "../../coprocessor/ledger/ledger-events.ts";
import { splitRows } from "../../coprocessor/ledger/row.ts";
import { addressWord, fromHex, keccak, toHex, uintWord, type Hex } from "../../protocol/index.ts";

const log = (
  signature: string,
  indexed: readonly Hex[],
  data: readonly (readonly [type: string, value: unknown])[],
): LedgerLog => ({
  topics: [AbiEvent.getSelector(signature), ...indexed],
  data: AbiParameters.encode(
    data.map(([type]) => ({ type })),
    data.map(([, value]) => value),
  ),
});
const topic = (value: bigint): Hex => toHex(uintWord(value));

export interface EpochLog {
  readonly epoch: bigint;
  readonly firstPosition: bigint;
  readonly oldRoot: Hex;
  readonly newRoot: Hex;
  readonly rows: Uint8Array;
}

/** A contract that keeps its logs, and the chain of its entries. */
export class LedgerLogs {
  readonly logs: LedgerLog[] = [];
  position = 0n;
  head: Hex = NO_ENTRY;

  ask(account: Hex, localKey: Hex, payload: Hex): Hex {
    const key = ledgerKey(account, localKey);
    this.position += 1n;
    this.head = appendEntry(this.head, key, keccak(fromHex(payload)));
    this.logs.push(
      log(
        "event Asked(uint64 indexed position, address indexed account, bytes32 localKey, bytes payload)",
        [topic(this.position), toHex(addressWord(account))],
        [
          ["bytes32", localKey],
          ["bytes", payload],
        ],
      ),
    );
    return key;
  }

  checkpoint(blockNumber: bigint, recordedAt: bigint): Checkpoint {
    this.logs.push(
      log(
        "event Checkpointed(uint64 indexed position, bytes32 entry, uint64 blockNumber, uint40 recordedAt)",
        [topic(this.position)],
        [
          ["bytes32", this.head],
          ["uint64", blockNumber],
          ["uint40", Number(recordedAt)],
        ],
      ),
    );
    return { entry: this.head, blockNumber, recordedAt };
  }

  settle({ epoch, firstPosition, oldRoot, newRoot, rows }: EpochLog): void {
    this.logs.push(
      log(
        "event EpochSettled(uint256 indexed epoch, uint64 firstPosition, bytes32 oldRoot, bytes32 newRoot, bytes32 rowsRoot, bytes rows)",
        [topic(epoch)],
        [
          ["uint64", firstPosition],
          ["bytes32", oldRoot],
          ["bytes32", newRoot],
          ["bytes32", createEpochTree(splitRows(rows)).root],
          ["bytes", toHex(rows)],
        ],
      ),
    );
  }

  abandon(epoch: bigint, firstPosition: bigint, lastPosition: bigint): void {
    this.logs.push(
      log(
        "event EntriesAbandoned(uint256 indexed epoch, uint64 firstPosition, uint64 lastPosition)",
        [topic(epoch)],
        [
          ["uint64", firstPosition],
          ["uint64", lastPosition],
        ],
      ),
    );
  }
}
