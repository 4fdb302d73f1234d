import { expect, test } from "vitest";
import type { TransitionRecord, TransitionsFile } from "../../../coprocessor/epochs/epoch-file.ts";
import { mergeTransitions } from "../../../coprocessor/epochs/merge-transitions.ts";
import * as p from "../../../protocol/index.ts";

const KEY = p.keccakText("a key");
const signature = (signer: bigint) => ({ x: signer, y: 1n, s: 2n, e: 3n });
const record = (change: Partial<TransitionRecord>): TransitionRecord => ({
  key: KEY,
  seq: 1n,
  value: p.keccakText("value"),
  oldLeaf: 0n,
  link: p.keccakText("request"),
  signatures: [signature(1n)],
  ...change,
});
const file = (signer: bigint, ...transitions: readonly TransitionRecord[]): TransitionsFile => ({
  signers: [
    {
      keysetId: p.keccakText(`${signer}`),
      answerKey: `0x${"22".repeat(20)}`,
      x: signer,
      y: 1n,
      signature: "0x",
    },
  ],
  transitions: [...transitions],
});

test("signatures of one write are put together, each once", () => {
  const second = record({ signatures: [signature(1n), signature(2n)] });
  const merged = mergeTransitions([file(1n, record({})), file(2n, second)]);
  expect(merged.signers.map(({ x }) => x)).toEqual([1n, 2n]);
  expect(merged.transitions).toEqual([second]);
});

test("of two values of one row the one that more enclaves signed is taken", () => {
  const liked = record({ signatures: [signature(2n), signature(3n)] });
  const other = record({ value: p.keccakText("another") });
  expect(mergeTransitions([file(1n, other), file(2n, liked)]).transitions).toEqual([liked]);
});

test("writes of one key follow from each other", () => {
  const [first, second] = [record({}), record({ seq: 2n, oldLeaf: 5n })];
  expect(mergeTransitions([file(1n, second), file(2n, first)]).transitions).toEqual([first, second]);
});
