/** The ledger's vectors, computed: what tests/vectors/coprocessor/ledger.json must hold. Forge and the circuit read it too. */

import * as z from "zod";
import {
  appendEntry,
  checkpointHash,
  ledgerKey,
  ledgerRequestId,
  LedgerTerms,
  NO_ENTRY,
  termsHash,
} from "../../coprocessor/ledger/entry.ts";
import { buildEpoch } from "../../coprocessor/epochs/build-epoch.ts";
import { publicInputsOf, rowBytes, witnessDigest } from "../../coprocessor/epochs/epoch-statement.ts";
import { createGrumpkinKey, signGrumpkin } from "../../coprocessor/epochs/grumpkin.ts";
import {
  ledgerIdOf,
  ruleIdOf,
  signersHash,
  transitionKeyDigest,
  transitionMessage,
} from "../../coprocessor/epochs/transition.ts";
import { createEpochTree } from "../../coprocessor/ledger/epoch-tree.ts";
import { EMPTY_NODE, keccakTreeHash } from "../../coprocessor/ledger/keccak-tree-hash.ts";
import { poseidonTreeHash } from "../../coprocessor/ledger/poseidon-tree-hash.ts";
import { encodeRow, RowKind, type Row } from "../../coprocessor/ledger/row.ts";
import { Snapshot, snapshotContent, snapshotDigest } from "../../coprocessor/ledger/snapshot.ts";
import { StateTree } from "../../coprocessor/ledger/state-tree.ts";
import * as p from "../../protocol/index.ts";

const word = (label: string): p.Hex => p.keccakText(`adyton ledger vector ${label}`);
const account = (label: string): p.Hex => `0x${word(label).slice(-40)}`;
/** A field element in one spelling. */
const fieldHex = (value: bigint): p.Hex => p.toHex(p.uintWord(value));

export const VECTOR_TERMS: LedgerTerms = {
  policyId: word("policy"),
  threshold: 3,
  aggregation: p.Aggregation.median,
  maxOutputBytes: 1_024,
  price: 10n ** 15n,
  priorityWindowSeconds: 60,
  exitWindowSeconds: 86_400,
  refuteWindowSeconds: 3_600,
};

function rows(): readonly Row[] {
  const kinds = [RowKind.signed, RowKind.unanswered, RowKind.read, RowKind.inbox];
  return Array.from({ length: 11 }, (_, index) => ({
    kind: kinds[index % kinds.length] ?? RowKind.signed,
    key: word(`key ${index % 4}`),
    seq: index === 10 ? 2n ** 64n - 1n : BigInt(index),
    value: index % 3 === 0 ? fieldHex(BigInt(index)) : word(`value ${index}`),
  }));
}

function epochVectors(): unknown {
  const encoded = rows().map(encodeRow);
  return [1, 2, 3, 4, 5, 7, 8, 11].map((count) => {
    const tree = createEpochTree(encoded.slice(0, count));
    return {
      count,
      rows: p.toHex(p.concatBytes(...encoded.slice(0, count))),
      root: tree.root,
      paths: encoded.slice(0, count).map((_, index) => tree.pathOf(index)),
    };
  });
}

/** Each write in turn, under both hashes. */
function stateVectors(): unknown {
  const keccak = StateTree.empty(keccakTreeHash);
  const poseidon = StateTree.empty(poseidonTreeHash);
  const writes = [0, 1, 2, 0, 3, 2].map((key, index) => ({
    key: key === 3 ? (`0x${"ff".repeat(32)}` as const) : word(`key ${key}`),
    seq: BigInt(index + 1),
    value: index === 4 ? (`0x${"ff".repeat(32)}` as const) : word(`value ${index}`),
  }));
  return {
    emptyKeccak: EMPTY_NODE,
    emptyPoseidon: fieldHex(poseidon.root),
    writes: writes.map((cell) => {
      const { held, siblings } = poseidon.path(cell.key);
      keccak.set(cell);
      poseidon.set(cell);
      return {
        ...cell,
        seq: cell.seq.toString(),
        held: held === null ? null : { ...held, seq: held.seq.toString() },
        slotKeccak: keccakTreeHash.slot(cell.key).toString(),
        slotPoseidon: poseidonTreeHash.slot(cell.key).toString(),
        siblingsPoseidon: siblings.map((level) => level.map(fieldHex)),
        rootKeccak: keccak.root,
        rootPoseidon: fieldHex(poseidon.root),
      };
    }),
  };
}

/** An epoch of two rows that three enclaves sign: what the contract computes of calldata, and what the circuit is given. */
function provenVectors(): unknown {
  const name = {
    chainId: 31_337n,
    ledger: account("proven ledger"),
    ruleId: ruleIdOf("Register", 1),
  };
  const keys = [0, 1, 2].map((index) =>
    createGrumpkinKey(
      p.concatBytes(p.fromHex(word(`transition key ${index}`)), p.fromHex(word(`key, second half ${index}`))),
    ),
  );
  const signers = keys.map(({ publicKey }, index) => ({
    ...publicKey,
    keysetId: word(`signer ${index} keyset`),
    answerKey: account(`signer ${index}`),
    group: BigInt(index + 1),
  }));
  const transition = {
    key: word("proven key"),
    seq: 1n,
    value: word("proven value"),
    oldLeaf: 0n,
    link: word("answer digest"),
  };
  const message = transitionMessage(ledgerIdOf(name), transition);
  const signatures = keys.map((key) => ({ signer: key.publicKey, signature: signGrumpkin(key, message) }));
  const { statement, input } = buildEpoch(StateTree.empty(poseidonTreeHash), {
    name,
    rule: "Register",
    signatures: 1,
    capacity: 3,
    epoch: 5n,
    payee: account("prover"),
    signers,
    steps: [
      { kind: "signed", transition: { ...transition, signatures } },
      { kind: "read", key: word("a key that holds nothing") },
    ],
  });
  const inputs = publicInputsOf(statement);
  const [first] = keys;
  if (first === undefined) throw new Error("there are three keys");
  return {
    chainId: name.chainId.toString(),
    ledger: name.ledger,
    ruleId: name.ruleId,
    epoch: statement.epoch.toString(),
    payee: statement.payee,
    rows: p.toHex(rowBytes(statement.rows)),
    signers: signers.map(({ keysetId, answerKey, x, y, group }) => ({
      keysetId,
      answerKey,
      x: fieldHex(x),
      y: fieldHex(y),
      group: group.toString(),
    })),
    signersHash: signersHash(signers),
    transitionMessage: fieldHex(message),
    transitionKeyDigest: transitionKeyDigest(name, first.publicKey),
    witnessDigest: witnessDigest(statement),
    publicInputs: Object.fromEntries(
      Object.entries<bigint>({ ...inputs }).map(([field, value]) => [field, fieldHex(value)]),
    ),
    circuitInput: input,
  };
}

export function coprocessorVectors(): Record<string, unknown> {
  const ledger = { chainId: 31_337n, ledger: account("ledger"), terms: VECTOR_TERMS };
  const asker = account("asker");
  const localKey = word("local key");
  const key = ledgerKey(asker, localKey);
  const first = appendEntry(NO_ENTRY, key, word("payload hash 1"));
  const entry = appendEntry(first, key, word("payload hash 2"));
  const checkpoint = { entry, blockNumber: 1_234n, recordedAt: 1_800_000_000n };
  const snapshot: Snapshot = {
    position: 2n,
    checkpoint,
    stateBlockHash: word("block"),
    newRoot: word("new root"),
  };
  const members = ["first", "second", "third"].map((name) => ({
    keysetId: word(`${name} keyset`),
    answerKey: account(name),
  }));
  const statement = { epoch: 7n, oldRoot: word("old root"), rowsRoot: word("rows root"), snapshot, members };
  return {
    ledger: {
      chainId: "31337",
      ledger: ledger.ledger,
      terms: z.encode(LedgerTerms, VECTOR_TERMS),
      termsHash: termsHash(VECTOR_TERMS),
      entries: {
        asker,
        localKey,
        key,
        payloadHashes: [word("payload hash 1"), word("payload hash 2")],
        chain: [first, entry],
        requestId: ledgerRequestId(ledger, { checkpoint, position: 2n, entry }),
      },
      snapshot: {
        epoch: "7",
        oldRoot: statement.oldRoot,
        rowsRoot: statement.rowsRoot,
        ...z.encode(Snapshot, snapshot),
        checkpointHash: checkpointHash(checkpoint),
        members,
        content: snapshotContent(ledger, statement),
        digest: snapshotDigest(ledger, statement),
      },
      epochs: epochVectors(),
      state: stateVectors(),
    },
    "proven-epoch": provenVectors(),
  };
}
