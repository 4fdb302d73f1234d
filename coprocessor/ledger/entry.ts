/**
 * Entries: what was asked of a ledger, in a chain of hashes that fixes key and position before any model is asked; and the id
 * that an answer to one is signed for. docs/reference/ledger.md, Entry. The contract's side: contracts/src/ledger.
 */

import * as z from "zod";
import { concatBytes, type Hex } from "../../protocol/bytes.ts";
import {
  address,
  bytes32,
  uint24,
  uint32,
  uint40,
  uint64,
  uint8,
  uint96,
  uint256,
} from "../../protocol/fields.ts";
import { Aggregation } from "../../protocol/request.ts";
import {
  addressWord,
  bytes32Word,
  hashWords,
  keccakText,
  keccak,
  uintWord,
} from "../../protocol/struct-hash.ts";

/** `LedgerTerms` of the contract: every answer and snapshot is signed with their hash. */
export const LedgerTerms = z.strictObject({
  policyId: bytes32,
  threshold: uint8.min(1).max(8),
  aggregation: uint8.max(Aggregation.medianUnsigned),
  maxOutputBytes: uint24,
  /** Wei. */
  price: uint96,
  priorityWindowSeconds: uint32,
  exitWindowSeconds: uint32,
  refuteWindowSeconds: uint32,
});
export type LedgerTerms = z.output<typeof LedgerTerms>;

/** A ledger: its address on its chain, and its terms. */
export const LedgerName = z.strictObject({ chainId: uint256, ledger: address, terms: LedgerTerms });
export type LedgerName = z.output<typeof LedgerName>;

/** The end of the chain when it was recorded. Answers are bound to that block's hash, which nobody knew before. */
export const Checkpoint = z.strictObject({ entry: bytes32, blockNumber: uint64, recordedAt: uint40 });
export type Checkpoint = z.output<typeof Checkpoint>;

/** The head of an empty chain. */
export const NO_ENTRY: Hex = `0x${"00".repeat(32)}`;

/** The key that `account` writes under its own name. */
export function ledgerKey(account: Hex, localKey: Hex): Hex {
  return keccak(concatBytes(addressWord(account), bytes32Word(localKey)));
}

export function appendEntry(previous: Hex, key: Hex, payloadHash: Hex): Hex {
  return hashWords(previous, [bytes32Word(key), bytes32Word(payloadHash)]);
}

export function checkpointHash({ entry, blockNumber, recordedAt }: Checkpoint): Hex {
  return hashWords(entry, [uintWord(blockNumber), uintWord(recordedAt)]);
}

export function termsHash(terms: LedgerTerms): Hex {
  return hashWords(terms.policyId, [
    uintWord(terms.threshold),
    uintWord(terms.aggregation),
    uintWord(terms.maxOutputBytes),
    uintWord(terms.price),
    uintWord(terms.priorityWindowSeconds),
    uintWord(terms.exitWindowSeconds),
    uintWord(terms.refuteWindowSeconds),
  ]);
}

const LEDGER_ENTRY_TYPEHASH = keccakText(
  "LedgerEntry(uint256 chainId,address ledger,bytes32 termsHash,bytes32 checkpoint,uint64 position,bytes32 entry)",
);

/** What an answer to an entry carries as its requestId: no answer fits another entry, or another history of the same ledger. */
export function ledgerRequestId(
  { chainId, ledger, terms }: LedgerName,
  at: { readonly checkpoint: Checkpoint; readonly position: bigint; readonly entry: Hex },
): Hex {
  return hashWords(LEDGER_ENTRY_TYPEHASH, [
    uintWord(chainId),
    addressWord(ledger),
    bytes32Word(termsHash(terms)),
    bytes32Word(checkpointHash(at.checkpoint)),
    uintWord(at.position),
    bytes32Word(at.entry),
  ]);
}
