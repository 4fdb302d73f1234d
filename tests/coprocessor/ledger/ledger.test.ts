import { describe, expect, test } from "vitest";
import { epochRootFrom } from "../../../coprocessor/ledger/epoch-tree.ts";
import { EMPTY_NODE, keccakTreeHash } from "../../../coprocessor/ledger/keccak-tree-hash.ts";
import { Ledger } from "../../../coprocessor/ledger/ledger.ts";
import { encodeRow, RowKind, type Row } from "../../../coprocessor/ledger/row.ts";
import { StateTree } from "../../../coprocessor/ledger/state-tree.ts";
import { concatBytes, type Hex } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import { LedgerLogs } from "../../support/ledger-logs.ts";
import { sampleKey, sampleWord } from "../../support/sample-snapshot.ts";

const ACCOUNT: Hex = `0x${"a1".repeat(20)}`;

/** Three entries in two epochs, one of them unanswered; then an abandoned one, and one that waits. */
function sampleLogs(): LedgerLogs & { readonly keys: readonly [Hex, Hex]; readonly root: Hex } {
  const contract = new LedgerLogs();
  const first = contract.ask(ACCOUNT, sampleKey(1), "0x01");
  const second = contract.ask(ACCOUNT, sampleKey(2), "0x02");
  contract.checkpoint(10n, 1_000n);
  const state = StateTree.empty(keccakTreeHash);
  const settle = (epoch: bigint, firstPosition: bigint, rows: readonly Row[]): void => {
    const oldRoot = state.root;
    for (const { kind, key, seq, value } of rows) if (kind === RowKind.signed) state.set({ key, seq, value });
    contract.settle({
      epoch,
      firstPosition,
      oldRoot,
      newRoot: state.root,
      rows: concatBytes(...rows.map(encodeRow)),
    });
  };
  settle(0n, 1n, [
    { kind: RowKind.signed, key: first, seq: 1n, value: sampleWord(1n) },
    { kind: RowKind.unanswered, key: second, seq: 0n, value: sampleWord(3n) },
  ]);
  contract.ask(ACCOUNT, sampleKey(1), "0x03");
  contract.checkpoint(20n, 2_000n);
  settle(1n, 3n, [{ kind: RowKind.signed, key: first, seq: 2n, value: sampleWord(2n) }]);
  contract.ask(ACCOUNT, sampleKey(2), "0x04");
  contract.checkpoint(30n, 3_000n);
  contract.abandon(2n, 4n, 4n);
  contract.ask(ACCOUNT, sampleKey(2), "0x05");
  contract.checkpoint(40n, 4_000n);
  return Object.assign(contract, { keys: [first, second] as const, root: state.root });
}

describe("a ledger from its logs", () => {
  const contract = sampleLogs();
  const [first, second] = contract.keys;
  const ledger = Ledger.fromLogs(contract.logs);

  test("knows what each key holds, and held", () => {
    expect(ledger.get(first)).toEqual({ key: first, seq: 2n, value: sampleWord(2n) });
    expect(ledger.get(second)).toBeNull();
    expect(ledger.read(first)?.value).toBe(sampleWord(2n));
    expect(ledger.read(first, 0)?.value).toBe(sampleWord(1n));
    expect(ledger.read(second)).toBeNull();
    expect(ledger.root).toBe(contract.root);
  });

  test("proves each row to the contract's root of its epoch", () => {
    const row = ledger.read(first, 0);
    expect(row).not.toBeNull();
    if (row === null) return;
    const other = ledger.row(0, 1);
    expect(epochRootFrom(row.bytes, row.proof)).toBe(epochRootFrom(other.bytes, other.proof));
    expect(codeOf(() => ledger.row(2, 0))).toBe("INPUT_NOT_FOUND");
    expect(codeOf(() => ledger.row(0, 2))).toBe("INPUT_NOT_FOUND");
  });

  test("knows what waits, and where it can be settled to", () => {
    expect(ledger.settled).toBe(4n);
    expect(ledger.epochs).toBe(3);
    expect(ledger.waiting().map(({ position, payload }) => [position, payload])).toEqual([[5n, "0x05"]]);
    expect(ledger.nextCheckpoint()).toEqual({ position: 5n, checkpoint: ledger.checkpointAt(5n) });
    expect(ledger.lastCheckpoint()?.checkpoint.blockNumber).toBe(40n);
  });

  test.for(contract.logs.map((_, index) => index).filter((index) => index !== contract.logs.length - 1))(
    "refuses to go on without log %i, unless nothing rests on it",
    (left) => {
      const some = contract.logs.filter((_, index) => index !== left);
      const code = codeOf(() => Ledger.fromLogs(some));
      // A checkpoint says only where a settlement may end; that entries were abandoned shows in the next epoch.
      const isUnused = [2, 5, 8, 9].includes(left);
      expect(code).toBe(isUnused ? "nothing thrown" : "EVIDENCE_BINDING_MISMATCH");
    },
  );

  const lies: readonly (readonly [string, (rows: Row) => Row, Hex | null])[] = [
    ["another key than was asked", (row) => ({ ...row, key: sampleKey(9) }), null],
    ["a seq that skips one", (row) => ({ ...row, seq: 2n }), null],
    ["a row that no snapshot has", (row) => ({ ...row, kind: RowKind.read }), null],
    ["a root that does not follow", (row) => row, sampleWord(5n)],
  ];
  test.for(lies)("finds signers that wrote %s", ([, change, newRoot]) => {
    const lying = new LedgerLogs();
    const key = lying.ask(ACCOUNT, sampleKey(1), "0x01");
    const row = change({ kind: RowKind.signed, key, seq: 1n, value: sampleWord(1n) });
    const state = StateTree.empty(keccakTreeHash);
    if (row.kind === RowKind.signed) state.set({ key: row.key, seq: row.seq, value: row.value });
    lying.settle({
      epoch: 0n,
      firstPosition: 1n,
      oldRoot: EMPTY_NODE,
      newRoot: newRoot ?? state.root,
      rows: encodeRow(row),
    });
    expect(codeOf(() => Ledger.fromLogs(lying.logs))).toBe("EVIDENCE_BINDING_MISMATCH");
  });

  test("refuses a log that is cut, and passes over others'", () => {
    const [log] = contract.logs;
    if (log === undefined) throw new Error("no log");
    expect(codeOf(() => Ledger.fromLogs([{ ...log, data: log.data.slice(0, -64) as Hex }]))).toBe(
      "EVIDENCE_MALFORMED",
    );
    expect(Ledger.fromLogs([{ topics: [sampleWord(1n)], data: "0x" }]).epochs).toBe(0);
  });
});
