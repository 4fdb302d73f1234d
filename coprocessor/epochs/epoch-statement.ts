/** What a proof of an epoch says, and how the contract binds it to calldata (contracts/src/ledger/ProvenLedger.sol). */

import { poseidon2Hash } from "@zkpassport/poseidon2";
import { concatBytes, type Hex } from "../../protocol/bytes.ts";
import { onChainDomain, typedDataDigest } from "../../protocol/domain.ts";
import { addressWord, bytes32Word, hashWords, keccak, uintWord } from "../../protocol/struct-hash.ts";
import { createEpochTree } from "../ledger/epoch-tree.ts";
import { FIELD_ORDER, limbsOf } from "../ledger/poseidon-tree-hash.ts";
import { encodeRow, type Row } from "../ledger/row.ts";
import { SNAPSHOT_TYPEHASH } from "../ledger/snapshot.ts";
import { ledgerIdOf, signersHash, type EpochSigner, type ProvenLedgerName } from "./transition.ts";

/** As many enclaves as an epoch lists; the list is padded with points at infinity, which sign nothing. */
export const MAX_SIGNERS = 8;

export interface EpochStatement {
  readonly name: ProvenLedgerName;
  readonly epoch: bigint;
  readonly oldRoot: bigint;
  readonly newRoot: bigint;
  readonly payee: Hex;
  readonly rows: readonly Row[];
  readonly signers: readonly EpochSigner[];
  /** Rows that the circuit has: the real ones stand at the end. */
  readonly capacity: number;
}

/** In the circuit's order. */
export interface PublicInputs {
  readonly ledger: bigint;
  readonly oldRoot: bigint;
  readonly newRoot: bigint;
  readonly commitment: bigint;
  readonly z: bigint;
  readonly evaluation: bigint;
}

export const rowBytes = (rows: readonly Row[]): Uint8Array<ArrayBuffer> =>
  concatBytes(...rows.map(encodeRow));

const rowFields = ({ kind, key, seq, value }: Row): readonly bigint[] => [
  BigInt(kind),
  ...limbsOf(key),
  seq,
  ...limbsOf(value),
];

const NO_ROW: readonly bigint[] = [0n, 0n, 0n, 0n, 0n, 0n];

/** Every row that the circuit has, padding first: there the contract's polynomial has zeros. */
export function paddedRows({ rows, capacity }: EpochStatement): readonly (readonly bigint[])[] {
  const padding = Array.from({ length: capacity - rows.length }, () => NO_ROW);
  return [...padding, ...rows.map(rowFields)];
}

export function paddedSigners({ signers }: EpochStatement): readonly (readonly bigint[])[] {
  const listed = signers.map(({ x, y, group }) => [x, y, group]);
  return [...listed, ...Array.from({ length: MAX_SIGNERS - signers.length }, () => [0n, 0n, 0n])];
}

export function publicInputsOf(statement: EpochStatement): PublicInputs {
  const { name, epoch, oldRoot, newRoot, payee, rows, signers } = statement;
  const data = [...paddedRows(statement), ...paddedSigners(statement)].flat();
  const commitment = poseidon2Hash(data);
  const ledger = ledgerIdOf(name);
  // Everything that somebody who sees the transaction could change is in z, which is a public input.
  const hash = hashWords(`0x${ledger.toString(16).padStart(64, "0")}`, [
    uintWord(epoch),
    uintWord(oldRoot),
    uintWord(newRoot),
    uintWord(commitment),
    addressWord(payee),
    bytes32Word(keccak(rowBytes(rows))),
    bytes32Word(signersHash(signers)),
  ]);
  const z = BigInt(hash) % FIELD_ORDER;
  const evaluation = data.reduce((sum, field) => (sum * z + field) % FIELD_ORDER, 0n);
  return { ledger, oldRoot, newRoot, commitment, z, evaluation };
}

/** What one admitted enclave signs beside the proof, once for each epoch: a bug in either lets nothing through alone. */
export function witnessDigest({ name, epoch, oldRoot, newRoot, rows }: EpochStatement): Hex {
  const content = hashWords(`0x${ledgerIdOf(name).toString(16).padStart(64, "0")}`, [
    uintWord(oldRoot),
    uintWord(newRoot),
    bytes32Word(createEpochTree(rows.map(encodeRow)).root),
  ]);
  const hash = hashWords(SNAPSHOT_TYPEHASH, [uintWord(epoch), bytes32Word(content)]);
  return typedDataDigest(onChainDomain(name.chainId, name.ledger), hash);
}
