import { describe, expect, test } from "vitest";
import * as AbiEvent from "ox/AbiEvent";
import { AbiCoder } from "ethers";
import { rowBytes } from "../../../coprocessor/epochs/epoch-statement.ts";
import { provenStateFrom } from "../../../coprocessor/epochs/proven-state.ts";
import { ledgerKey } from "../../../coprocessor/ledger/entry.ts";
import { createEpochTree, epochRootFrom } from "../../../coprocessor/ledger/epoch-tree.ts";
import type { LedgerLog } from "../../../coprocessor/ledger/ledger-events.ts";
import { poseidonTreeHash } from "../../../coprocessor/ledger/poseidon-tree-hash.ts";
import { encodeRow, RowKind, type Row } from "../../../coprocessor/ledger/row.ts";
import { StateTree } from "../../../coprocessor/ledger/state-tree.ts";
import * as p from "../../../protocol/index.ts";

const ACCOUNT = `0x${"ab".repeat(20)}` as const;
const word = (label: string): p.Hex => p.keccakText(`proven state ${label}`);
const KEY = ledgerKey(ACCOUNT, word("name"));
const coder = AbiCoder.defaultAbiCoder();
const topic = (value: bigint): p.Hex => p.toHex(p.uintWord(value));
const QUEUED = AbiEvent.getSelector(
  "event RowQueued(uint64 indexed position, address indexed account, bytes32 localKey, bytes32 value)",
);
const PROVEN = AbiEvent.getSelector(
  "event EpochProven(uint256 indexed epoch, uint256 oldRoot, uint256 newRoot, bytes32 rowsRoot, bytes rows)",
);

const queued = (value: p.Hex): LedgerLog => ({
  topics: [QUEUED, topic(0n), p.toHex(p.addressWord(ACCOUNT))],
  data: coder.encode(["bytes32", "bytes32"], [word("name"), value]) as p.Hex,
});
const proven = (epoch: bigint, roots: readonly [bigint, bigint], rows: readonly Row[]): LedgerLog => ({
  topics: [PROVEN, topic(epoch)],
  data: coder.encode(
    ["uint256", "uint256", "bytes32", "bytes"],
    [...roots, createEpochTree(rows.map(encodeRow)).root, rowBytes(rows)],
  ) as p.Hex,
});
const rootOf = (rows: readonly Row[]): bigint => {
  const tree = StateTree.empty(poseidonTreeHash);
  for (const row of rows) tree.set(row);
  return tree.root;
};

const FIRST: Row = { kind: RowKind.inbox, key: KEY, seq: 1n, value: word("queued") };
const SECOND: Row = { kind: RowKind.signed, key: KEY, seq: 2n, value: word("signed") };
const READ: Row = { kind: RowKind.read, key: word("nobody's"), seq: 0n, value: topic(0n) };
const EMPTY = rootOf([]);
const LOGS: readonly LedgerLog[] = [
  queued(FIRST.value),
  queued(word("waits")),
  proven(0n, [EMPTY, rootOf([FIRST])], [FIRST, READ]),
  proven(1n, [rootOf([FIRST]), rootOf([SECOND])], [SECOND]),
];

describe("a proven ledger's state", () => {
  test("follows from its logs alone", () => {
    const state = provenStateFrom([{ topics: [word("another event")], data: "0x" }, ...LOGS]);
    expect(state.tree.root).toBe(rootOf([SECOND]));
    expect(state.tree.get(KEY)).toMatchObject({ seq: 2n, value: SECOND.value });
    expect(state.epochs).toBe(2n);
    expect(state.inbox).toEqual([{ key: KEY, value: word("waits") }]);
  });

  test("reads each key as of an epoch, with the path that the contract takes", () => {
    const { rows } = provenStateFrom(LOGS);
    const row = rows.read(KEY);
    expect(row).toMatchObject({ epoch: 1, seq: 2n, value: SECOND.value });
    expect(rows.read(KEY, 0)).toMatchObject({ epoch: 0, seq: 1n, value: FIRST.value });
    expect(rows.read(READ.key)).toBeNull();
    if (row === null) return;
    expect(epochRootFrom(row.bytes, row.proof)).toBe(createEpochTree([encodeRow(SECOND)]).root);
  });

  test("is refused with rows of another tree", () => {
    const log = proven(0n, [EMPTY, EMPTY], [READ]);
    const other = coder.encode(
      ["uint256", "uint256", "bytes32", "bytes"],
      [EMPTY, EMPTY, word("rows root"), rowBytes([READ])],
    ) as p.Hex;
    expect(() => provenStateFrom([{ ...log, data: other }])).toThrow(
      expect.objectContaining({ code: "EVIDENCE_BINDING_MISMATCH" }) as Error,
    );
  });

  test("passes over a queued row that wrote nothing", () => {
    const dropped = { ...FIRST, seq: 0n };
    const state = provenStateFrom([queued(FIRST.value), proven(0n, [EMPTY, EMPTY], [dropped])]);
    expect(state.tree.get(KEY)).toBeNull();
    expect(state.inbox).toEqual([]);
  });

  test.for([
    ["an epoch left out", LOGS.filter((_, index) => index !== 2)],
    ["a queued row left out", LOGS.slice(2)],
    ["rows that lead to another root", [proven(0n, [EMPTY, EMPTY], [{ ...SECOND, seq: 1n }])]],
    ["another start", [proven(0n, [5n, EMPTY], [READ])]],
  ] as const)("is refused with %s", ([, logs]) => {
    expect(() => provenStateFrom(logs)).toThrow(
      expect.objectContaining({ code: "EVIDENCE_BINDING_MISMATCH" }) as Error,
    );
  });

  test("is refused with a log of another form", () => {
    expect(() => provenStateFrom([{ topics: [PROVEN, topic(0n)], data: "0x00" }])).toThrow(
      expect.objectContaining({ code: "EVIDENCE_MALFORMED" }) as Error,
    );
  });
});
