/** Has a ledger's next epoch answered and signed by this node's enclaves, to the call that settles it. */

import * as z from "zod";
import { ledgerRequestId, type Checkpoint, type LedgerName } from "../../../coprocessor/ledger/entry.ts";
import type { Ledger, LedgerEntry } from "../../../coprocessor/ledger/ledger.ts";
import { assembleSnapshotCall } from "../../../coprocessor/snapshots/assemble-call.ts";
import { LedgerAnswerCall } from "../../../coprocessor/snapshots/ledger-answer-call.ts";
import { SnapshotCall, type EntryAnswer } from "../../../coprocessor/snapshots/snapshot-call.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { UpstreamError } from "../../../protocol/errors.ts";
import { encodeSettle } from "../../chain/contracts/snapshot-ledger.ts";
import type { EnclaveSession } from "../../enclaves/enclave-session.ts";

export interface EpochTask {
  readonly name: LedgerName;
  readonly ledger: Ledger;
  readonly closing: { readonly position: bigint; readonly checkpoint: Checkpoint };
  /** Of the checkpoint's block. */
  readonly stateBlockHash: Hex;
  /** As many as the threshold; the first one is the settler. */
  readonly members: readonly EnclaveSession[];
  /** What was answered before a failure: an enclave says the same again, and need not. */
  readonly kept: AnswerCache;
  /** Told of a member whose call failed, before the error goes on. */
  readonly onFailure: (session: EnclaveSession, error: unknown) => void;
  readonly signal: AbortSignal;
}

type OneAnswer = Omit<EntryAnswer, "member">;
/** By request and keyset. */
export type AnswerCache = Map<string, OneAnswer>;

/** Entries that one enclave is asked at once. */
const AT_ONCE = 8;

/**
 * @returns calldata of `settle`
 * @throws {AdytonError} whatever the first call that failed says; {UpstreamError} ENCLAVE_UNAVAILABLE where members sign different contents
 */
export async function settleEpoch(task: EpochTask): Promise<Hex> {
  const { name, ledger, closing, stateBlockHash, members } = task;
  const entries = ledger.waiting(closing.position);
  await Promise.all(members.map((session) => askAll(task, session, entries)));
  const listed = members.map(({ keysetId, attestation }) => ({
    keysetId,
    answerKey: attestation.keyset.answerKey,
  }));
  const call = assembleSnapshotCall({
    name,
    ledger,
    position: closing.position,
    stateBlockHash,
    members: listed,
    answersTo: (entry) => members.map((session, member) => ({ member, ...answerOf(task, session, entry) })),
  });
  const body = JSON.stringify(z.encode(SnapshotCall, call));
  const replies = await Promise.all(
    members.map((session) => guarded(task, session, () => session.client.signSnapshot(body, task.signal))),
  );
  const [first] = replies;
  if (first === undefined || replies.some(({ content }) => content !== first.content))
    throw new UpstreamError({ code: "ENCLAVE_UNAVAILABLE", message: "members signed different contents" });

  const { position, checkpoint } = closing;
  const signed = listed.map((member, index) => ({ ...member, signature: replies[index]?.signature ?? "0x" }));
  return encodeSettle({ position, checkpoint, stateBlockHash, newRoot: first.newRoot }, signed, first.rows);
}

async function askAll(
  task: EpochTask,
  session: EnclaveSession,
  entries: readonly LedgerEntry[],
): Promise<void> {
  const open = entries.filter((entry) => !task.kept.has(nameOf(task, session, entry)));
  let next = 0;
  const askNext = async (): Promise<void> => {
    for (let entry = open[next++]; entry !== undefined; entry = open[next++]) await ask(task, session, entry);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, open.length) }, askNext));
}

async function ask(task: EpochTask, session: EnclaveSession, entry: LedgerEntry): Promise<void> {
  const { name, ledger, closing, stateBlockHash, kept, signal } = task;
  const call: LedgerAnswerCall = {
    ledger: name,
    position: entry.position,
    previous: ledger.entryAt(entry.position - 1n),
    key: entry.key,
    payload: entry.payload,
    closing: closing.checkpoint,
    stateBlock: { number: closing.checkpoint.blockNumber, hash: stateBlockHash },
  };
  const body = JSON.stringify(z.encode(LedgerAnswerCall, call));
  const reply = await guarded(task, session, () => session.client.answerEntry(body, signal));
  const { answer, signature, output } = reply;
  kept.set(nameOf(task, session, entry), { answer, signature, output });
}

async function guarded<T>(task: EpochTask, session: EnclaveSession, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    task.onFailure(session, error);
    throw error;
  }
}

function answerOf(task: EpochTask, session: EnclaveSession, entry: LedgerEntry): OneAnswer {
  const known = task.kept.get(nameOf(task, session, entry));
  if (known === undefined) throw new Error("every entry was answered");
  return known;
}

function nameOf({ name, closing }: EpochTask, { keysetId }: EnclaveSession, entry: LedgerEntry): string {
  const { checkpoint } = closing;
  return `${ledgerRequestId(name, { checkpoint, position: entry.position, entry: entry.entry })}/${keysetId}`;
}
