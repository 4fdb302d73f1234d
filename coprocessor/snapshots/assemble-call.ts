/** The settler's proposal to the signers: the next epoch of a ledger that it rebuilt from logs, with the answers it collected. */

import type { Hex } from "../../protocol/bytes.ts";
import type { StateBlock } from "../../protocol/state-block.ts";
import type { LedgerName } from "../ledger/entry.ts";
import type { Ledger, LedgerEntry } from "../ledger/ledger.ts";
import type { SnapshotMember } from "../ledger/snapshot.ts";
import { toStatePathWire } from "../ledger/state-path.ts";
import type { EntryAnswer, SnapshotCall } from "./snapshot-call.ts";

export interface EpochToSettle {
  readonly name: LedgerName;
  readonly ledger: Ledger;
  /** Where it ends: a checkpoint ahead (`Ledger.nextCheckpoint`). */
  readonly position: bigint;
  /** Of the checkpoint. */
  readonly stateBlockHash: Hex;
  readonly members: readonly SnapshotMember[];
  readonly answersTo: (entry: LedgerEntry) => readonly EntryAnswer[];
}

/** @throws {RangeError} where the ledger has no checkpoint at `position` */
export function assembleSnapshotCall(epoch: EpochToSettle): SnapshotCall {
  const { ledger, position } = epoch;
  const closing = ledger.checkpointAt(position);
  if (closing === null) throw new RangeError(`no checkpoint at ${position}`);
  const entries = ledger.waiting(position);
  const stateBlock: StateBlock = { number: closing.blockNumber, hash: epoch.stateBlockHash };
  return {
    ledger: epoch.name,
    epoch: BigInt(ledger.epochs),
    oldRoot: ledger.root,
    opening: { position: ledger.settled, entry: ledger.entryAt(ledger.settled) },
    closing,
    stateBlock,
    members: [...epoch.members],
    entries: entries.map((entry) => ({
      key: entry.key,
      payloadHash: entry.payloadHash,
      answers: [...epoch.answersTo(entry)],
    })),
    paths: [...new Set(entries.map(({ key }) => key))].map((key) => toStatePathWire(key, ledger.pathOf(key))),
  };
}
