/** A ledger's epoch before it is signed: entries, members that answered them, and everything that an enclave is given. */

import { appendEntry, NO_ENTRY, ledgerRequestId, type LedgerName } from "../../coprocessor/ledger/entry.ts";
import { keccakTreeHash } from "../../coprocessor/ledger/keccak-tree-hash.ts";
import { toStatePathWire } from "../../coprocessor/ledger/state-path.ts";
import { StateTree } from "../../coprocessor/ledger/state-tree.ts";
import type { SnapshotCall } from "../../coprocessor/snapshots/snapshot-call.ts";
import * as p from "../../protocol/index.ts";

const word = (label: string): p.Hex => p.keccakText(`sample snapshot ${label}`);

export const SAMPLE_LEDGER: LedgerName = {
  chainId: 31_337n,
  ledger: `0x${word("ledger").slice(-40)}`,
  terms: {
    policyId: word("policy"),
    threshold: 1,
    aggregation: p.Aggregation.first,
    maxOutputBytes: 1_024,
    price: 10n ** 15n,
    priorityWindowSeconds: 60,
    exitWindowSeconds: 86_400,
    refuteWindowSeconds: 3_600,
  },
};

/** Enough of an enclave to sign: its key, and the keyset that the registry would know. */
export interface SampleMember {
  readonly privateKey: Uint8Array;
  readonly keysetId: p.Hex;
  readonly answerKey: p.Hex;
}

export function sampleMember(name: string): SampleMember {
  const privateKey = p.fromHex(word(`key of ${name}`));
  const digest = word("any digest");
  return {
    privateKey,
    keysetId: word(`keyset of ${name}`),
    answerKey: p.recoverSigner(digest, p.signDigest(digest, privateKey)),
  };
}

/** Asked under `key`; each member answers with its output, or with another status. */
export interface SampleEntry {
  readonly key: p.Hex;
  readonly outputs: readonly (p.Hex | Exclude<p.AnswerStatus, 0 | 1 | 8>)[];
}

export const sampleKey = (index: number): p.Hex => word(`key ${index}`);
export const sampleWord = (value: bigint): p.Hex => p.toHex(p.uintWord(BigInt.asUintN(256, value)));

export interface SampleOptions {
  readonly ledger?: LedgerName;
  readonly members: readonly SampleMember[];
  readonly entries: readonly SampleEntry[];
  readonly state?: StateTree<p.Hex>;
  readonly epoch?: bigint;
}

export function sampleSnapshotCall({
  ledger = SAMPLE_LEDGER,
  members,
  entries,
  state = StateTree.empty(keccakTreeHash),
  epoch = 0n,
}: SampleOptions): SnapshotCall {
  const payloadHashes = entries.map((_, index) => word(`payload ${index}`));
  const chain = entries.reduce<readonly p.Hex[]>(
    (values, { key }, index) => [
      ...values,
      appendEntry(values.at(-1) ?? NO_ENTRY, key, payloadHashes[index] ?? key),
    ],
    [],
  );
  const closing = { entry: chain.at(-1) ?? NO_ENTRY, blockNumber: 100n, recordedAt: 1_800_000_000n };
  const stateBlock = { number: 100n, hash: word("block 100") };
  const domain = p.onChainDomain(ledger.chainId, ledger.ledger);
  return {
    ledger,
    epoch,
    oldRoot: state.root,
    opening: { position: 0n, entry: NO_ENTRY },
    closing,
    stateBlock,
    members: members.map(({ keysetId, answerKey }) => ({ keysetId, answerKey })),
    entries: entries.map(({ key, outputs }, index) => ({
      key,
      payloadHash: payloadHashes[index] ?? key,
      answers: outputs.map((told, place) => {
        const member = members[place];
        if (member === undefined) throw new Error("no such member");
        const output = typeof told === "string" ? told : "0x";
        const answer: p.Answer = {
          requestId: ledgerRequestId(ledger, {
            checkpoint: closing,
            position: BigInt(index) + 1n,
            entry: chain[index] ?? NO_ENTRY,
          }),
          status: typeof told === "string" ? p.AnswerStatus.ok : told,
          outputHash: p.keccak(p.fromHex(output)),
          transcriptRoot: word("transcript"),
          stateBlockHash: stateBlock.hash,
          keysetId: member.keysetId,
          answeredAt: closing.recordedAt + 5n,
        };
        return {
          member: place,
          answer,
          output,
          signature: p.signDigest(p.answerDigest(domain, answer), member.privateKey),
        };
      }),
    })),
    paths: [...new Set(entries.map(({ key }) => key))].map((key) => toStatePathWire(key, state.path(key))),
  };
}
