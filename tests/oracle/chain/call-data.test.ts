import { describe, expect, test } from "vitest";
import { encodeFulfillBatch } from "../../../oracle/chain/batch-call.ts";
import type { BatchItem } from "../../../oracle/chain/batch-call.ts";
import {
  bytes,
  dynamicArray,
  dynamicTuple,
  encodeCall,
  uint,
  word,
} from "../../../oracle/chain/call-data.ts";
import { coordinatorInterface } from "../../../oracle/chain/contracts.ts";
import { encodeFulfill, encodeFulfillQuorum, encodeRefund } from "../../../oracle/chain/coordinator.ts";
import type { SettlingAnswer } from "../../../oracle/chain/coordinator.ts";
import type { Answer } from "../../../protocol/answer.ts";
import { fromHex, toHex, toUtf8 } from "../../../protocol/bytes.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { Aggregation, Delivery } from "../../../protocol/request.ts";
import type { Request } from "../../../protocol/request.ts";
import { keccak } from "../../../protocol/struct-hash.ts";

const SEED = "calls by place";

/** Bytes that follow from their name. */
function made(name: string, length: number): Hex {
  let all = "";
  for (let part = 0; all.length < length * 2; part += 1) {
    all += keccak(toUtf8(`${SEED} ${name} ${part}`)).slice(2);
  }
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
    ...{ nonce: full("nonce", 32), payer: made(`${name}p`, 20), refundTo: made(`${name}r`, 20) },
    ...{ subscriptionId: full("subscription", 8), payloadHash: made(`${name}h`, 32) },
    ...{ payloadUriHash: made(`${name}u`, 32), policyId: made(`${name}i`, 32) },
    ...{ policyVersion: Number(full("version", 4)), threshold: 1 + Number(full("threshold", 1) % 255n) },
    ...{ aggregation: Aggregation.first, delivery, callbackGasLimit: Number(full("gas", 4)) },
    ...{ maxOutputBytes: Number(full("output", 4)), fee: full("fee", 16), gasPriceCap: full("cap", 8) },
    deadline: full("deadline", 8),
  };
}

function answerOf(name: string, size: number): Answer {
  return {
    ...{ requestId: made(name, 32), status: 1 + Number(integer(`${name}s`, 1) % 7n) },
    ...{ outputHash: made(`${name}o`, 32), transcriptRoot: made(`${name}t`, 32) },
    ...{ stateBlockHash: made(`${name}b`, 32), keysetId: made(`${name}k`, 32) },
    answeredAt: integer(`${name}a`, Math.min(size, 8)),
  };
}

const OUTPUT_LENGTHS = [0, 1, 31, 32, 33, 1_024];

function settlingAnswer(name: string, length: number): SettlingAnswer {
  return {
    answer: answerOf(name, length),
    signature: made(`${name}g`, 65),
    output: made(`${name}x`, length),
  };
}

function wireOf({ answer, signature, output }: SettlingAnswer): object {
  return { answer, signature, output, stateBlockNumber: 0 };
}

describe(`calls are those of ethers, seed "${SEED}"`, () => {
  test.for(OUTPUT_LENGTHS)("an answer of %i bytes, and the refund of its request", (length) => {
    const request = requestOf(`request ${length}`, length, Delivery.callback);
    const settling = settlingAnswer(`answer ${length}`, length);
    expect(encodeFulfill(request, settling)).toBe(
      coordinatorInterface.encodeFunctionData("fulfill", [request, wireOf(settling) as never]),
    );
    expect(encodeRefund(request)).toBe(coordinatorInterface.encodeFunctionData("refund", [request]));
  });

  test("answers of a quorum, none included", () => {
    const request = requestOf("quorum", 3, Delivery.callback);
    for (const lengths of [[], OUTPUT_LENGTHS]) {
      const answers = lengths.map((length) => settlingAnswer(`member ${length}`, length));
      expect(encodeFulfillQuorum(request, answers)).toBe(
        coordinatorInterface.encodeFunctionData("fulfillQuorum", [request, answers.map(wireOf) as never]),
      );
    }
  });

  test.for([Delivery.callback, Delivery.hash])("a batch, delivered by way %i", (delivery) => {
    const items: BatchItem[] = OUTPUT_LENGTHS.map((length) => ({
      request: requestOf(`item ${length}`, length, delivery),
      ...settlingAnswer(`item ${length}`, length),
    }));
    const reply = { root: made("root", 32), count: items.length, signature: made("batch", 65) };
    const wire = items.map(({ request, answer, output }) => ({
      ...{ request, answer, stateBlockNumber: 0 },
      output: delivery === Delivery.callback ? output : "0x",
    }));
    expect(encodeFulfillBatch(items, reply)).toBe(
      coordinatorInterface.encodeFunctionData("fulfillBatch", [
        wire as never,
        reply.root,
        reply.count,
        [],
        reply.signature,
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
