import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as p from "../../protocol/index.ts";
import { codeOf } from "../support/code-of.ts";
import * as arbitrary from "../support/protocol-arbitraries.ts";
import { without } from "../support/without.ts";

/** What an item says of a settlement by itself. */
function said(settlement: p.PackedSettlement): unknown {
  const request = without(without(settlement.request, "chainId"), "coordinator");
  const { status, outputHash, transcriptRoot, answeredAt } = settlement.answer;
  const { stateBlockNumber, output } = settlement;
  const stateBlockHash = settlement.bringsStateBlockHash === true ? settlement.answer.stateBlockHash : null;
  return {
    request,
    answer: { status, outputHash, transcriptRoot, answeredAt },
    stateBlockNumber,
    stateBlockHash,
    output,
  };
}

const many = fc.array(arbitrary.packedSettlement, { minLength: 1, maxLength: 6 });

test("an item by itself is read as it was written", () => {
  fc.assert(
    fc.property(arbitrary.packedSettlement, (settlement) => {
      const item = p.encodePackedItem(settlement, null);
      expect(p.decodePackedItems(item)).toEqual([said(settlement)]);
    }),
  );
});

test("the items of a batch are read as they were written, in the order of their leaves", () => {
  const leafOf = ({ answer }: p.PackedSettlement): p.Hex => p.batchLeaf(p.answerStructHash(answer));
  fc.assert(
    fc.property(many, fc.boolean(), (settlements, alike) => {
      const [first] = settlements;
      const batch = alike
        ? settlements.map((each) => ({
            ...each,
            request: { ...first!.request, nonce: each.request.nonce, context: each.request.context },
          }))
        : settlements;
      const sorted = [...batch].sort((a, b) => (leafOf(a) < leafOf(b) ? -1 : 1));
      expect(p.decodePackedItems(p.encodePackedBatch(batch))).toEqual(sorted.map(said));
    }),
  );
});

const [sample] = fc.sample(
  arbitrary.packedSettlement.filter(({ output, request }) => output !== null && BigInt(request.context) > 0n),
  { numRuns: 1, seed: 3 },
);
const plain: p.PackedSettlement = {
  ...sample!,
  request: { ...sample!.request, payloadUriHash: p.NO_STATE_BLOCK, context: p.NO_STATE_BLOCK },
  output: new Uint8Array(),
  bringsStateBlockHash: false,
  answer: { ...sample!.answer, outputHash: p.keccak(new Uint8Array()) },
};

test.for([
  ["nothing to share", plain, null, 7 * 32],
  ["a context", { ...plain, request: { ...plain.request, context: p.keccakText("context") } }, null, 8 * 32],
  ["its block's hash", { ...plain, bringsStateBlockHash: true }, null, 8 * 32],
  ["an output by its hash", { ...plain, output: null }, null, 8 * 32],
  ["all that it may share", plain, plain, 4 * 32],
  ["another payer", plain, { ...plain, request: { ...plain.request, fee: plain.request.fee ^ 1n } }, 5 * 32],
] as const)("an item with %s has its bytes", ([, settlement, before, bytes]) => {
  const item = p.encodePackedItem(settlement, before);
  expect(item).toHaveLength(bytes);
  expect(Number(p.toHex(item.subarray(0, 3)))).toBe(bytes);
});

describe("bytes that are no items", () => {
  const item = p.encodePackedItem(sample!, null);
  test.for([
    ["cut short", item.subarray(0, item.length - 1)],
    ["with a length of nothing", item.with(0, 0).with(1, 0).with(2, 0)],
    ["a first item that shares its payer", p.encodePackedItem(plain, plain)],
    ["one byte behind a hash", p.concatBytes(hashed(1), new Uint8Array(1))],
    ["half a length", new Uint8Array(2)],
  ] as const)("are refused: %s", ([, bytes]) => {
    expect(codeOf(() => p.decodePackedItems(bytes))).toBe("INPUT_INVALID");
  });

  /** An item that ends in a hash, whose length counts `more` bytes behind it. */
  function hashed(more: number): Uint8Array {
    const whole = p.encodePackedItem({ ...plain, output: null }, null);
    return whole.with(2, (whole[2] ?? 0) + more);
  }

  test("or are read, and never anything but our own error", () => {
    fc.assert(
      fc.property(fc.nat(item.length - 1), fc.nat(255), (at, byte) => {
        expect(codeOf(() => p.decodePackedItems(item.with(at, byte)))).toMatch(
          /^(INPUT_INVALID|nothing thrown)$/,
        );
      }),
      { numRuns: 500 },
    );
  });
});
