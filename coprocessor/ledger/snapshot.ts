/** The statement that settles an epoch: `Snapshot(bytes32 subject,bytes32 content)` (contracts/src/ledger/Snapshots.sol). */

import * as z from "zod";
import { concatBytes, type Hex } from "../../protocol/bytes.ts";
import { onChainDomain, typedDataDigest } from "../../protocol/domain.ts";
import { address, bytes32, uint64 } from "../../protocol/fields.ts";
import {
  addressWord,
  bytes32Word,
  hashWords,
  keccak,
  keccakText,
  uintWord,
} from "../../protocol/struct-hash.ts";
import { Checkpoint, termsHash, type LedgerName } from "./entry.ts";

export const SNAPSHOT_TYPE = "Snapshot(bytes32 subject,bytes32 content)";
export const SNAPSHOT_TYPEHASH = keccakText(SNAPSHOT_TYPE);

export const Snapshot = z.strictObject({
  /** Last entry that it covers: a checkpoint's. */
  position: uint64,
  checkpoint: Checkpoint,
  stateBlockHash: bytes32,
  newRoot: bytes32,
});
export type Snapshot = z.output<typeof Snapshot>;

/** An enclave whose answers the rows rest on. */
export const SnapshotMember = z.strictObject({ keysetId: bytes32, answerKey: address });
export type SnapshotMember = z.output<typeof SnapshotMember>;

export interface SnapshotStatement {
  readonly epoch: bigint;
  readonly oldRoot: Hex;
  readonly rowsRoot: Hex;
  readonly snapshot: Snapshot;
  readonly members: readonly SnapshotMember[];
}

export function membersHash(members: readonly SnapshotMember[]): Hex {
  return keccak(
    concatBytes(
      ...members.flatMap(({ keysetId, answerKey }) => [bytes32Word(keysetId), addressWord(answerKey)]),
    ),
  );
}

export function snapshotContent(ledger: LedgerName, statement: SnapshotStatement): Hex {
  const { oldRoot, rowsRoot, snapshot, members } = statement;
  return hashWords(termsHash(ledger.terms), [
    bytes32Word(oldRoot),
    bytes32Word(rowsRoot),
    uintWord(snapshot.position),
    bytes32Word(snapshot.checkpoint.entry),
    uintWord(snapshot.checkpoint.blockNumber),
    uintWord(snapshot.checkpoint.recordedAt),
    bytes32Word(snapshot.stateBlockHash),
    bytes32Word(snapshot.newRoot),
    bytes32Word(membersHash(members)),
  ]);
}

/** The typed encoding, which `proveEquivocation` takes: typehash ‖ subject ‖ content. */
export function snapshotEncoding(ledger: LedgerName, statement: SnapshotStatement): Uint8Array<ArrayBuffer> {
  return concatBytes(
    bytes32Word(SNAPSHOT_TYPEHASH),
    uintWord(statement.epoch),
    bytes32Word(snapshotContent(ledger, statement)),
  );
}

export function snapshotDigest(ledger: LedgerName, statement: SnapshotStatement): Hex {
  const domain = onChainDomain(ledger.chainId, ledger.ledger);
  return typedDataDigest(domain, keccak(snapshotEncoding(ledger, statement)));
}
