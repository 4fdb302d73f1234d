/**
 * A signer's checks before it signs a snapshot: that the rows are what enclaves answered to the entries, in their
 * order, and that the new root follows from them. Pure; the host that brings all this is not trusted.
 */

import { answerDigest, AnswerStatus, recoverSigner } from "../../protocol/answer.ts";
import { concatBytes, fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { onChainDomain } from "../../protocol/domain.ts";
import { InputError } from "../../protocol/errors.ts";
import { CLOCK_TOLERANCE_SECONDS } from "../../protocol/limits.ts";
import { keccak, uintWord } from "../../protocol/struct-hash.ts";
import { appendEntry, ledgerRequestId } from "../ledger/entry.ts";
import { createEpochTree } from "../ledger/epoch-tree.ts";
import { keccakTreeHash } from "../ledger/keccak-tree-hash.ts";
import { encodeRow, RowKind, type Row } from "../ledger/row.ts";
import type { SnapshotStatement } from "../ledger/snapshot.ts";
import { fromStatePathWire } from "../ledger/state-path.ts";
import { StateTree } from "../ledger/state-tree.ts";
import type { TreeHash } from "../ledger/tree-hash.ts";
import { decideRow, SLOT_TAKEN, type Decision } from "./decide-row.ts";
import type { AnsweredEntry, EntryAnswer, SnapshotCall } from "./snapshot-call.ts";

export interface JudgedEpoch {
  readonly rows: Uint8Array<ArrayBuffer>;
  readonly statement: SnapshotStatement;
}

/**
 * Establishes: each row is the outcome of `threshold` answers by different members to the entry at its position; all answers are
 * bound to the closing checkpoint's block; the entries lead from the opening to the closing value of the chain; the new root
 * follows from the old one and the rows.
 *
 * Leaves to the contract: that the members are admitted and of distinct platforms, that opening, checkpoint and old root are the
 * ledger's, and that the state block is the checkpoint's.
 *
 * @param hash of the ledger's tree; another one only where tests want two keys in one slot
 * @throws {InputError} INPUT_INVALID for whatever does not follow; {EvidenceError} EVIDENCE_SIGNATURE_INVALID
 */
export function judgeEpoch(call: SnapshotCall, hash: TreeHash<Hex> = keccakTreeHash): JudgedEpoch {
  checkMembers(call);
  const tree = treeOf(call, hash);
  let { entry } = call.opening;
  const rows = call.entries.map((given, index) => {
    entry = appendEntry(entry, given.key, given.payloadHash);
    const requestId = ledgerRequestId(call.ledger, {
      checkpoint: call.closing,
      position: call.opening.position + BigInt(index) + 1n,
      entry,
    });
    checkAnswers(call, given, requestId);
    return write(tree, given.key, decideRow(given.answers, call.ledger.terms));
  });
  refuseUnless(entry === call.closing.entry, "the entries do not lead to the checkpoint", {});
  const encoded = rows.map(encodeRow);
  return {
    rows: concatBytes(...encoded),
    statement: {
      epoch: call.epoch,
      oldRoot: call.oldRoot,
      rowsRoot: createEpochTree(encoded).root,
      snapshot: {
        position: call.opening.position + BigInt(rows.length),
        checkpoint: call.closing,
        stateBlockHash: call.stateBlock.hash,
        newRoot: tree.root,
      },
      members: call.members,
    },
  };
}

/** Two entries of one member would count its answer twice. */
function checkMembers({ members, ledger: { terms }, stateBlock, closing }: SnapshotCall): void {
  const keysets = new Set(members.map(({ keysetId }) => keysetId));
  const keys = new Set(members.map(({ answerKey }) => answerKey));
  const isDistinct = keysets.size === members.length && keys.size === members.length;
  refuseUnless(
    isDistinct && members.length >= terms.threshold,
    "a snapshot names as many different members as answers are needed",
    {
      members: members.length,
      threshold: terms.threshold,
    },
  );
  refuseUnless(stateBlock.number === closing.blockNumber, "the state block is not the checkpoint's", {});
}

function treeOf({ oldRoot, paths, entries }: SnapshotCall, hash: TreeHash<Hex>): StateTree<Hex> {
  const byKey = new Map(paths.map((path) => [path.key, fromStatePathWire(path)]));
  for (const { key } of entries) refuseUnless(byKey.has(key), "a key has no path", { key });
  return StateTree.fromPaths(hash, oldRoot, byKey);
}

function checkAnswers(call: SnapshotCall, { answers }: AnsweredEntry, requestId: Hex): void {
  const { terms, chainId, ledger } = call.ledger;
  const members = new Set(answers.map(({ member }) => member));
  refuseUnless(
    answers.length === terms.threshold && members.size === answers.length,
    "an entry has as many answers as the terms say, of different members",
    { requestId, answers: answers.length, threshold: terms.threshold },
  );
  const domain = onChainDomain(chainId, ledger);
  for (const given of answers) {
    const member = call.members[given.member];
    const { answer } = given;
    const isOfMember = member !== undefined && answer.keysetId === member.keysetId;
    refuseUnless(isOfMember, "an answer is of no such member", { requestId, member: given.member });
    refuseUnless(answer.requestId === requestId, "an answer is to something else", { requestId });
    refuseUnless(answer.stateBlockHash === call.stateBlock.hash, "an answer is bound to another block", {
      requestId,
    });
    refuseUnless(keccak(fromHex(given.output)) === answer.outputHash, "an output is not its answer's", {
      requestId,
    });
    refuseUnless(isTimely(given, call.closing.recordedAt), "an answer is older than the checkpoint", {
      requestId,
    });
    const signer = recoverSigner(answerDigest(domain, answer), given.signature);
    refuseUnless(signer === member.answerKey, "an answer is not signed by its member", {
      requestId,
      member: given.member,
    });
  }
}

function isTimely({ answer: { status, answeredAt } }: EntryAnswer, recordedAt: bigint): boolean {
  return status === AnswerStatus.clockUnknown || answeredAt + BigInt(CLOCK_TOLERANCE_SECONDS) >= recordedAt;
}

/** The row of an entry; a value is written to the tree. */
function write(tree: StateTree<Hex>, key: Hex, decision: Decision): Row {
  const held = tree.held(key);
  const cell = tree.get(key);
  const isTaken = held !== null && cell === null;
  const seq = cell?.seq ?? 0n;
  if (isTaken || decision.kind === "unanswered") {
    const reason = isTaken || decision.kind !== "unanswered" ? SLOT_TAKEN : decision.reason;
    return { kind: RowKind.unanswered, key, seq, value: toHex(uintWord(reason)) };
  }
  const written = { key, seq: seq + 1n, value: decision.value };
  tree.set(written);
  return { kind: RowKind.signed, ...written };
}

function refuseUnless(
  condition: boolean,
  message: string,
  details: Readonly<Record<string, string | number>>,
): asserts condition {
  if (!condition) throw new InputError({ code: "INPUT_INVALID", message, details });
}
