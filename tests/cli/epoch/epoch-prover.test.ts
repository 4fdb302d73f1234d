/** Which epoch is proven next, and over what; the proof itself is a stand-in. */

import { beforeEach, describe, expect, test } from "vitest";
import { EpochProver } from "../../../cli/epoch/epoch-prover.ts";
import { progressLines } from "../../../cli/epoch/progress.ts";
import type { LedgerReading } from "../../../cli/epoch/read-ledger.ts";
import type { BuiltEpoch } from "../../../coprocessor/epochs/build-epoch.ts";
import type { TransitionRecord } from "../../../coprocessor/epochs/epoch-file.ts";
import { createGrumpkinKey, signGrumpkin } from "../../../coprocessor/epochs/grumpkin.ts";
import type { QueuedRow } from "../../../coprocessor/epochs/proven-state.ts";
import { ledgerIdOf, ruleIdOf, transitionMessage } from "../../../coprocessor/epochs/transition.ts";
import { poseidonTreeHash } from "../../../coprocessor/ledger/poseidon-tree-hash.ts";
import type { Cell } from "../../../coprocessor/ledger/row.ts";
import { SettledRows } from "../../../coprocessor/ledger/settled-rows.ts";
import { StateTree } from "../../../coprocessor/ledger/state-tree.ts";
import { ProverError } from "../../../protocol/errors.ts";
import * as p from "../../../protocol/index.ts";
import { rejectionOf } from "../../support/rejection-of.ts";

const word = (label: string): p.Hex => p.keccakText(`epoch prover ${label}`);
const NAME = { chainId: 31_337n, ledger: `0x${"1e".repeat(20)}`, ruleId: ruleIdOf("Register", 1) } as const;
const KEY = createGrumpkinKey(p.concatBytes(p.fromHex(word("high")), p.fromHex(word("low"))));
const SIGNER = { ...KEY.publicKey, keysetId: word("keyset"), answerKey: `0x${"22".repeat(20)}` } as const;

/** A chain: what its cells are, epochs so far, what is queued; and what enclaves signed. */
let cells: readonly Cell[];
let epochs: bigint;
let inbox: readonly QueuedRow[];
let transitions: TransitionRecord[];
let proven: BuiltEpoch[];
let said: string[];
let prover: EpochProver;
let proofFails: boolean;

function read(): Promise<LedgerReading> {
  const tree = StateTree.empty(poseidonTreeHash);
  for (const cell of cells) tree.set(cell);
  return Promise.resolve({
    chainId: NAME.chainId,
    ruleId: NAME.ruleId,
    smallRows: 2,
    largeRows: 4,
    state: { tree, epochs, inbox, rows: new SettledRows() },
    given: { signers: [{ ...SIGNER, signature: "0x" }], transitions },
    signers: [{ ...SIGNER, group: 256n }],
  });
}

function signed(key: p.Hex, held: Cell | null, value = word("value")): TransitionRecord {
  const oldLeaf = held === null ? 0n : poseidonTreeHash.leaf(held);
  const transition = { key, seq: (held?.seq ?? 0n) + 1n, value, oldLeaf, link: word("request") };
  const signature = signGrumpkin(KEY, transitionMessage(ledgerIdOf(NAME), transition));
  return { ...transition, signatures: [{ ...KEY.publicKey, ...signature }] };
}

const cellOf = ({ key, seq, value }: TransitionRecord): Cell => ({ key, seq, value });

beforeEach(() => {
  [cells, epochs, inbox, transitions, proven, said, proofFails] = [[], 0n, [], [], [], [], false];
  prover = new EpochProver({
    ledger: NAME.ledger,
    payee: `0x${"77".repeat(20)}`,
    reads: [],
    read,
    prove: (built) => {
      if (proofFails) return Promise.reject(new ProverError({ code: "PROVER_FAILED", message: "killed" }));
      proven.push(built);
      return Promise.resolve("0x01");
    },
    say: (line) => said.push(line),
  });
});

describe("a prover", () => {
  test("has nothing to do where nothing waits", async () => {
    expect(await prover.next()).toBeNull();
  });

  test("proves an epoch on top of one that is not settled", async () => {
    const first = signed(word("a"), null);
    transitions = [first];
    expect((await prover.next())?.epoch).toBe(0n);
    expect(await prover.next()).toBeNull();
    transitions = [first, signed(word("a"), cellOf(first), word("next"))];
    expect((await prover.next())?.epoch).toBe(1n);
    const [one, other] = proven;
    expect(other?.statement.oldRoot).toBe(one?.statement.newRoot);
    expect(other?.statement.rows).toMatchObject([{ seq: 2n }]);
  });

  test("goes on from an epoch that was settled meanwhile", async () => {
    const first = signed(word("a"), null);
    transitions = [first];
    await prover.next();
    [cells, epochs, transitions] = [[cellOf(first)], 1n, [signed(word("b"), null)]];
    expect((await prover.next())?.epoch).toBe(1n);
    expect(said.filter((line) => line.includes("proven again"))).toEqual([]);
  });

  test("proves again what rests on an epoch that somebody else replaced", async () => {
    const first = signed(word("a"), null);
    transitions = [first];
    await prover.next();
    transitions = [first, signed(word("b"), null)];
    await prover.next();
    // Another one settled epoch 0, with a write of its own.
    [cells, epochs] = [[cellOf(signed(word("c"), null))], 1n];
    const next = await prover.next();
    expect(next?.epoch).toBe(1n);
    expect(proven.at(-1)?.statement.rows).toHaveLength(2);
    expect(said.join("\n")).toContain("epoch 1 was proven over a state that the chain has no more");
  });

  test("proves again what a reorg took back, and keeps a proof that holds again", async () => {
    const [first, second] = [signed(word("a"), null), signed(word("b"), null)];
    transitions = [first];
    await prover.next();
    [cells, epochs, transitions] = [[cellOf(first)], 1n, [second]];
    await prover.next();
    [cells, epochs] = [[cellOf(first), cellOf(second)], 2n];
    expect(await prover.next()).toBeNull();
    // Both blocks are gone: what was proven follows from the empty ledger as it did.
    [cells, epochs, transitions] = [[], 0n, [first, second]];
    expect(await prover.next()).toBeNull();
    // And then another block is where the first was: the queued row comes first.
    [inbox, epochs] = [[{ key: word("q"), value: word("cap") }], 0n];
    cells = [cellOf(signed(word("d"), null))];
    expect((await prover.next())?.epoch).toBe(0n);
    expect(proven.at(-1)?.statement.rows).toHaveLength(3);
  });

  test("proves again an epoch whose queued rows a reorg put into another order", async () => {
    const [one, other] = [
      { key: word("one"), value: word("1") },
      { key: word("other"), value: word("2") },
    ];
    inbox = [one, other];
    await prover.next();
    inbox = [other, one];
    await prover.next();
    expect(proven.map(({ statement }) => statement.rows[0]?.key)).toEqual([one.key, other.key]);
  });

  test("leaves out what no proof can be made of, and says what", async () => {
    const good = signed(word("good"), null);
    transitions = [{ ...signed(word("bad"), null), value: word("another") }, good];
    await prover.next();
    expect(proven[0]?.statement.rows).toMatchObject([{ key: good.key }]);
    expect(said.join("\n")).toContain(`left out ${word("bad")}: the transition needs 1 signatures`);
    expect(await prover.next()).toBeNull();
  });

  test("takes the circuit that the contract checks so many rows with", async () => {
    transitions = [word("a"), word("b"), word("c"), word("d"), word("e")].map((key) => signed(key, null));
    await prover.next();
    await prover.next();
    expect(proven.map(({ statement }) => [statement.rows.length, statement.capacity])).toEqual([
      [4, 4],
      [1, 2],
    ]);
  });

  test("tries again what failed", async () => {
    transitions = [signed(word("a"), null)];
    proofFails = true;
    expect(await rejectionOf(() => prover.next())).toBe("PROVER_FAILED");
    proofFails = false;
    expect((await prover.next())?.epoch).toBe(0n);
  });
});

test("progress has the phase, the time that passed, and what is left of a proof", () => {
  let now = 0;
  const lines: string[] = [];
  const report = progressLines((line) => lines.push(line), { gates: 1_000_000, threads: 2, now: () => now });
  report({ phase: "witness" });
  now = 2_000;
  report({ phase: "proof" });
  now = 12_000;
  report({ phase: "proof", detail: "sumcheck" });
  now = 60_000;
  report({ phase: "proof", detail: "opening" });
  expect(lines).toEqual([
    "witness: 0.0 s",
    "proof: 0.0 s, about 18 s left",
    "proof: 10.0 s, about 8 s left (sumcheck)",
    "proof: 58.0 s, about 0 s left (opening)",
  ]);
});
