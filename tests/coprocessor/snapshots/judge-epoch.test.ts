import { describe, expect, test } from "vitest";
import { keccakTreeHash } from "../../../coprocessor/ledger/keccak-tree-hash.ts";
import { parseRows, RowKind } from "../../../coprocessor/ledger/row.ts";
import { StateTree } from "../../../coprocessor/ledger/state-tree.ts";
import { toStatePathWire } from "../../../coprocessor/ledger/state-path.ts";
import { SLOT_TAKEN } from "../../../coprocessor/snapshots/decide-row.ts";
import { judgeEpoch } from "../../../coprocessor/snapshots/judge-epoch.ts";
import type { SnapshotCall } from "../../../coprocessor/snapshots/snapshot-call.ts";
import { toHex, toUtf8, type Hex } from "../../../protocol/bytes.ts";
import { Aggregation } from "../../../protocol/request.ts";
import { keccak } from "../../../protocol/struct-hash.ts";
import { codeOf } from "../../support/code-of.ts";
import {
  SAMPLE_LEDGER,
  sampleKey,
  sampleMember,
  sampleSnapshotCall,
  sampleWord,
} from "../../support/sample-snapshot.ts";

const alice = sampleMember("alice");
const bob = sampleMember("bob");
const carol = sampleMember("carol");
const members = [alice, bob, carol];
const text = (said: string): Hex => toHex(toUtf8(said));

const underTerms = (threshold: number, aggregation: SnapshotCall["ledger"]["terms"]["aggregation"]) => ({
  ...SAMPLE_LEDGER,
  terms: { ...SAMPLE_LEDGER.terms, threshold, aggregation },
});

/** The one row that `outputs` come to. */
function rowOf(
  aggregation: number,
  outputs: Parameters<typeof sampleSnapshotCall>[0]["entries"][0]["outputs"],
) {
  const ledger = underTerms(outputs.length, aggregation);
  const { rows } = judgeEpoch(
    sampleSnapshotCall({ ledger, members, entries: [{ key: sampleKey(1), outputs }] }),
  );
  const [row] = parseRows(rows);
  return row;
}

describe("an epoch's rows", () => {
  test("are the outputs of one word, the hashes of others, and the reasons why there is none", () => {
    const call = sampleSnapshotCall({
      members: [alice],
      entries: [
        { key: sampleKey(1), outputs: [sampleWord(7n)] },
        { key: sampleKey(2), outputs: [text("a longer answer in words")] },
        { key: sampleKey(1), outputs: [2] },
        { key: sampleKey(1), outputs: [sampleWord(8n)] },
      ],
    });
    const { rows, statement } = judgeEpoch(call);
    expect(parseRows(rows)).toEqual([
      { kind: RowKind.signed, key: sampleKey(1), seq: 1n, value: sampleWord(7n) },
      { kind: RowKind.signed, key: sampleKey(2), seq: 1n, value: keccak(toUtf8("a longer answer in words")) },
      { kind: RowKind.unanswered, key: sampleKey(1), seq: 1n, value: sampleWord(2n) },
      { kind: RowKind.signed, key: sampleKey(1), seq: 2n, value: sampleWord(8n) },
    ]);
    const tree = StateTree.empty(keccakTreeHash);
    tree.set({ key: sampleKey(1), seq: 2n, value: sampleWord(8n) });
    tree.set({ key: sampleKey(2), seq: 1n, value: keccak(toUtf8("a longer answer in words")) });
    expect(statement.snapshot.newRoot).toBe(tree.root);
    expect(statement.snapshot.position).toBe(4n);
  });

  test.for([
    ["identical words", Aggregation.identical, [5n, 5n, 5n], 5n],
    ["the middle of three", Aggregation.median, [9n, -3n, 4n], 4n],
    ["the mean of the middle two, rounded down below zero", Aggregation.median, [-2n, -1n], -2n],
    ["the middle by size of unsigned numbers", Aggregation.medianUnsigned, [-1n, 1n, 2n], 2n],
  ] as const)("are of several answers %s", ([, aggregation, numbers, value]) => {
    expect(rowOf(aggregation, numbers.map(sampleWord))).toMatchObject({
      kind: RowKind.signed,
      value: sampleWord(value),
    });
  });

  test.for([
    ["answers differ", Aggregation.identical, [sampleWord(1n), sampleWord(2n)], 8],
    ["a median is asked of texts", Aggregation.median, [text("one"), text("two")], 8],
    ["only some are answered", Aggregation.identical, [sampleWord(1n), 3], 8],
    ["all fail alike", Aggregation.identical, [3, 3], 3],
  ] as const)("are unanswered where %s", ([, aggregation, outputs, reason]) => {
    expect(rowOf(aggregation, outputs)).toMatchObject({
      kind: RowKind.unanswered,
      value: sampleWord(BigInt(reason)),
    });
  });

  test("are unanswered where another key has the slot, which keeps what it held", () => {
    const call = sampleSnapshotCall({
      members: [alice],
      entries: [{ key: sampleKey(1), outputs: [sampleWord(1n)] }],
    });
    // Two such keys of one's own take 2^32 hashes to find.
    const colliding = { ...keccakTreeHash, slot: () => keccakTreeHash.slot(sampleKey(1)) };
    const state = StateTree.empty(colliding);
    state.set({ key: sampleKey(2), seq: 1n, value: sampleWord(1n) });
    const path = toStatePathWire(sampleKey(1), state.path(sampleKey(1)));
    const { rows, statement } = judgeEpoch({ ...call, oldRoot: state.root, paths: [path] }, colliding);
    expect(parseRows(rows)).toEqual([
      { kind: RowKind.unanswered, key: sampleKey(1), seq: 0n, value: sampleWord(BigInt(SLOT_TAKEN)) },
    ]);
    expect(statement.snapshot.newRoot).toBe(state.root);
  });
});

describe("a signer refuses", () => {
  const ledger = underTerms(2, Aggregation.identical);
  const outputs = [sampleWord(1n), sampleWord(1n)];
  const good = sampleSnapshotCall({
    ledger,
    members,
    entries: [
      { key: sampleKey(1), outputs },
      { key: sampleKey(2), outputs },
    ],
  });
  const [first, second] = good.entries;
  if (first === undefined || second === undefined) throw new Error("two entries");
  const [one, two] = first.answers;
  if (one === undefined || two === undefined) throw new Error("two answers");
  const withAnswers = (...answers: readonly (typeof one)[]): SnapshotCall => ({
    ...good,
    entries: [{ ...first, answers: [...answers] }, second],
  });

  test("nothing of a good epoch", () => {
    expect(codeOf(() => judgeEpoch(good))).toBe("nothing thrown");
  });

  const refused: readonly (readonly [string, SnapshotCall])[] = [
    ["one answer where two are needed", withAnswers(one)],
    ["three where two are needed", withAnswers(one, two, { ...two, member: 2 })],
    ["one member's answer twice", withAnswers(one, one)],
    ["an answer under another member's number", withAnswers(one, { ...two, member: 2 })],
    ["an answer of no member", withAnswers(one, { ...two, member: 3 })],
    ["an answer to another entry", withAnswers(one, ...second.answers.slice(1))],
    ["an output that is not the answer's", withAnswers(one, { ...two, output: sampleWord(2n) })],
    [
      "a changed answer",
      withAnswers(one, { ...two, answer: { ...two.answer, answeredAt: two.answer.answeredAt + 1n } }),
    ],
    [
      "an answer bound to another block",
      { ...good, stateBlock: { ...good.stateBlock, hash: sampleWord(9n) } },
    ],
    [
      "a state block that is not the checkpoint's",
      { ...good, stateBlock: { ...good.stateBlock, number: 99n } },
    ],
    ["another order of the entries", { ...good, entries: [second, first] }],
    ["an entry left out", { ...good, entries: [first] }],
    ["an entry more", { ...good, entries: [first, second, second] }],
    ["another payload", { ...good, entries: [{ ...first, payloadHash: sampleWord(1n) }, second] }],
    ["another opening", { ...good, opening: { position: 1n, entry: good.opening.entry } }],
    ["another history", { ...good, opening: { position: 0n, entry: sampleWord(1n) } }],
    [
      "another checkpoint",
      { ...good, closing: { ...good.closing, recordedAt: good.closing.recordedAt + 1n } },
    ],
    ["other terms", { ...good, ledger: { ...ledger, terms: { ...ledger.terms, price: 0n } } }],
    ["another ledger", { ...good, ledger: { ...ledger, ledger: `0x${"11".repeat(20)}` } }],
    ["another chain", { ...good, ledger: { ...ledger, chainId: 1n } }],
    ["a member named twice", { ...good, members: [...good.members, ...good.members.slice(0, 1)] }],
    ["less members than answers", { ...good, members: good.members.slice(0, 1) }],
    ["another state", { ...good, oldRoot: sampleWord(3n) }],
    ["a key without a path", { ...good, paths: good.paths.slice(1) }],
    [
      "a path that hides what the key holds",
      (() => {
        const state = StateTree.empty(keccakTreeHash);
        state.set({ key: sampleKey(1), seq: 4n, value: sampleWord(1n) });
        return { ...good, oldRoot: state.root };
      })(),
    ],
  ];
  test.for(refused)("%s", ([, call]) => {
    expect(["INPUT_INVALID", "EVIDENCE_SIGNATURE_INVALID"]).toContain(codeOf(() => judgeEpoch(call)));
  });

  test("an answer that is older than the checkpoint, whoever signed it", () => {
    const old = sampleSnapshotCall({
      members: [alice],
      entries: [{ key: sampleKey(1), outputs: [sampleWord(1n)] }],
    });
    const late = { ...old, closing: { ...old.closing, recordedAt: old.closing.recordedAt + 400n } };
    expect(codeOf(() => judgeEpoch(late))).toBe("INPUT_INVALID");
  });

  test("a signature with one bit changed", () => {
    const signature =
      `${one.signature.slice(0, 20)}${one.signature[20] === "0" ? "1" : "0"}${one.signature.slice(21)}` as Hex;
    expect(["INPUT_INVALID", "EVIDENCE_SIGNATURE_INVALID"]).toContain(
      codeOf(() => judgeEpoch(withAnswers({ ...one, signature }, two))),
    );
  });
});
