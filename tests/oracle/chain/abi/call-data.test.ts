import { describe, expect, test } from "vitest";
import { encodeFulfillBatch } from "../../../../oracle/chain/contracts/batch-call.ts";
import {
  bytes,
  dynamicArray,
  dynamicTuple,
  encodeCall,
  uint,
  word,
} from "../../../../oracle/chain/abi/call-data.ts";
import { coordinatorInterface } from "../../../../oracle/chain/contracts/contracts.ts";
import {
  encodeClearQuorum,
  encodeCommitQuorum,
  encodeFulfillQuorum,
  encodeOpenQuorum,
  type SignedLeaf,
} from "../../../../oracle/chain/contracts/quorum-call.ts";
import {
  encodeFulfill,
  encodeRefund,
  type SettlingAnswer,
} from "../../../../oracle/chain/contracts/settlement-call.ts";
import { type Answer, AnswerStatus, toCompactSignature } from "../../../../protocol/answer.ts";
import { fromHex, type Hex, toHex, toUtf8 } from "../../../../protocol/bytes.ts";
import { encodePackedBatch, encodePackedItem } from "../../../../protocol/packed-item.ts";
import { Aggregation, Delivery, type Request } from "../../../../protocol/request.ts";
import { keccak } from "../../../../protocol/struct-hash.ts";

const SEED = "calls by place";

/** Bytes that follow from their name. */
function made(name: string, length: number): Hex {
  let all = "";
  for (let part = 0; all.length < length * 2; part += 1)
    all += keccak(toUtf8(`${SEED} ${name} ${part}`)).slice(2);
  return `0x${all.slice(0, length * 2)}`;
}

function integer(name: string, length: number): bigint {
  return length === 0 ? 0n : BigInt(made(name, length));
}

/** `size`: how many of their bytes the integers fill, from none to all. */
function requestOf(name: string, size: number, delivery: number): Request {
  const full = (field: string, length: number): bigint => integer(name + field, Math.min(size, length));
  return {
    ...{ chainId: full("chainId", 32), coordinator: made(name, 20), consumer: made(`${name}c`, 20) },
    ...{ requestedAt: full("asked", 5), nonce: Number(full("nonce", 4)), context: made(`${name}x`, 32) },
    ...{ payer: made(`${name}p`, 20), refundTo: made(`${name}r`, 20) },
    ...{ subscriptionId: full("subscription", 8), payloadHash: made(`${name}h`, 32) },
    ...{ payloadUriHash: made(`${name}u`, 32), policyId: made(`${name}i`, 32) },
    ...{ threshold: 1 + Number(full("threshold", 1) % 255n), aggregation: Aggregation.first, delivery },
    ...{ callbackGasLimit: Number(full("gas", 4)), maxOutputBytes: Number(full("output", 3)) },
    ...{ fee: full("fee", 12), gasPriceCap: full("cap", 8) },
    deadline: full("deadline", 5),
  };
}

function answerOf(name: string, size: number): Answer {
  return {
    ...{ requestId: made(name, 32), status: 1 + Number(integer(`${name}s`, 1) % 7n) },
    ...{ outputHash: made(`${name}o`, 32), transcriptRoot: made(`${name}t`, 32) },
    ...{ stateBlockHash: made(`${name}b`, 32), keysetId: made(`${name}k`, 32) },
    answeredAt: integer(`${name}a`, Math.min(size, 5)),
  };
}

const OUTPUT_LENGTHS = [0, 1, 31, 32, 33, 1_024];

function settlingAnswer(name: string, length: number): SettlingAnswer {
  return {
    answer: answerOf(name, length),
    output: made(`${name}x`, length),
    stateBlockNumber: integer(`${name}n`, 6),
  };
}

const SIGNATURE: Hex = `0x${"11".repeat(64)}1c`;
const { r, vs } = toCompactSignature(SIGNATURE);

function leafOf(name: string): SignedLeaf {
  return { leaf: made(`${name}l`, 32), keysetId: made(`${name}k`, 32), signature: SIGNATURE };
}

describe(`calls are those of ethers, seed "${SEED}"`, () => {
  test.for(OUTPUT_LENGTHS)("an answer of %i bytes, packed, and the refund of its request", (length) => {
    const request = requestOf(`request ${length}`, length, Delivery.callback);
    const settling = settlingAnswer(`answer ${length}`, length);
    const item = toHex(encodePackedItem({ request, ...settling, output: fromHex(settling.output) }, null));
    expect(encodeFulfill(request, settling, SIGNATURE)).toBe(
      coordinatorInterface.encodeFunctionData("fulfillPacked", [settling.answer.keysetId, r, vs, item]),
    );
    expect(encodeRefund(request)).toBe(coordinatorInterface.encodeFunctionData("refund", [request]));
  });

  test.for([Delivery.hash, Delivery.pull])(
    "an answer delivered by way %i brings its hash alone",
    (delivery) => {
      const request = requestOf("hashed", 3, delivery);
      const settling = settlingAnswer("hashed", 100);
      const item = toHex(encodePackedItem({ request, ...settling, output: null }, null));
      expect(encodeFulfill(request, settling, SIGNATURE)).toBe(
        coordinatorInterface.encodeFunctionData("fulfillPacked", [settling.answer.keysetId, r, vs, item]),
      );
    },
  );

  test("the leaves of a quorum, one and eight, and what clears them", () => {
    const request = requestOf("quorum", 3, Delivery.callback);
    for (const names of [["a"], ["a", "b", "c", "d", "e", "f", "g", "h"]]) {
      const leaves = names.map(leafOf);
      expect(encodeCommitQuorum(request, leaves)).toBe(
        coordinatorInterface.encodeFunctionData("commitQuorum", [request, leaves]),
      );
    }
    expect(encodeClearQuorum(request)).toBe(
      coordinatorInterface.encodeFunctionData("clearQuorum", [request]),
    );
  });

  const openingOf = ({ answer, stateBlockNumber, output }: SettlingAnswer): object => ({
    answer,
    stateBlockNumber,
    output,
  });

  test("the openings of a median, none included, each with its output", () => {
    const request = { ...requestOf("median", 3, Delivery.hash), aggregation: Aggregation.median };
    for (const lengths of [[], OUTPUT_LENGTHS]) {
      const openings = lengths.map((length) => {
        const settling = settlingAnswer(`member ${length}`, length);
        return { ...settling, answer: { ...settling.answer, status: AnswerStatus.ok } };
      });
      expect(encodeOpenQuorum(request, openings)).toBe(
        coordinatorInterface.encodeFunctionData("openQuorum", [request, openings.map(openingOf) as never]),
      );
    }
  });

  test.for([
    ["callback", Delivery.callback],
    ["hash", Delivery.hash],
  ] as const)("the openings of those that agree carry one output, by %s", ([, delivery]) => {
    const request = { ...requestOf("agree", 3, delivery), aggregation: Aggregation.identical };
    const alike = settlingAnswer("alike", 40);
    const odd = { ...settlingAnswer("odd", 40), answer: { ...alike.answer, outputHash: made("other", 32) } };
    const second = { ...alike, answer: { ...alike.answer, keysetId: made("second", 32) } };
    const leaves = [odd, alike, second].map((_, index) => leafOf(`leaf ${index}`));
    const carried = delivery === Delivery.callback ? alike.output : "0x";
    const wire = [
      { ...openingOf(odd), output: "0x" },
      { ...openingOf(alike), output: carried },
      { ...openingOf(second), output: "0x" },
    ];
    expect(encodeFulfillQuorum(request, leaves, [odd, alike, second])).toBe(
      coordinatorInterface.encodeFunctionData("fulfillQuorum", [request, leaves, wire as never]),
    );
  });

  test.for([Delivery.callback, Delivery.hash])("a batch, delivered by way %i", (delivery) => {
    const items = OUTPUT_LENGTHS.map((length) => ({
      request: requestOf(`item ${length}`, length, delivery),
      ...settlingAnswer(`item ${length}`, length),
    }));
    const reply = { root: made("root", 32), count: items.length, signature: SIGNATURE };
    const packed = encodePackedBatch(
      items.map((item) => ({
        ...item,
        output: delivery === Delivery.callback ? fromHex(item.output) : null,
      })),
    );
    expect(encodeFulfillBatch(items, made("keyset", 32), reply)).toBe(
      coordinatorInterface.encodeFunctionData("fulfillBatchPacked", [
        made("keyset", 32),
        r,
        vs,
        reply.count,
        toHex(packed),
      ]),
    );
  });
});

test("a call of each kind of part reads as the specification's examples", () => {
  // Solidity documentation, "Contract ABI Specification", Use of Dynamic Types: f(uint256,uint32[],bytes10,bytes).
  const words = [0x456, 0x789].map(uint).join("");
  const data = encodeCall("0x8be65246", [
    uint(0x123),
    { tail: uint(2) + words },
    toHex(toUtf8("1234567890")).slice(2).padEnd(64, "0"),
    bytes(toHex(toUtf8("Hello, world!"))),
  ]);
  const lines = [
    "0000000000000000000000000000000000000000000000000000000000000123",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "3132333435363738393000000000000000000000000000000000000000000000",
    "00000000000000000000000000000000000000000000000000000000000000e0",
    "0000000000000000000000000000000000000000000000000000000000000002",
    "0000000000000000000000000000000000000000000000000000000000000456",
    "0000000000000000000000000000000000000000000000000000000000000789",
    "000000000000000000000000000000000000000000000000000000000000000d",
    "48656c6c6f2c20776f726c642100000000000000000000000000000000000000",
  ];
  expect(data).toBe(`0x8be65246${lines.join("")}`);
  expect(word(`0x${"01".repeat(20)}`)).toBe("00".repeat(12) + "01".repeat(20));
  expect(dynamicArray([dynamicTuple([uint(5)])])).toEqual({ tail: uint(1) + uint(32) + uint(5) });
  expect(fromHex(data)).toHaveLength(4 + lines.length * 32);
});
