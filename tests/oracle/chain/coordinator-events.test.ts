import { describe, expect, test } from "vitest";
import type { Log } from "../../../oracle/chain/block.ts";
import { coordinatorInterface } from "../../../oracle/chain/contracts.ts";
import { decodeCoordinatorLog } from "../../../oracle/chain/coordinator.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import type { Request } from "../../../protocol/request.ts";
import { requestId } from "../../../protocol/request.ts";

const COORDINATOR: Hex = `0x${"c0".repeat(20)}`;
const word = (name: number): Hex => `0x${name.toString(16).padStart(64, "0")}`;

const REQUEST: Request = {
  ...{ chainId: 31_337n, coordinator: COORDINATOR, consumer: `0x${"01".repeat(20)}`, nonce: 2n ** 200n },
  ...{ payer: `0x${"02".repeat(20)}`, refundTo: `0x${"03".repeat(20)}`, subscriptionId: 2n ** 64n - 1n },
  ...{ payloadHash: word(7), payloadUriHash: word(8), policyId: word(9), policyVersion: 2 ** 32 - 1 },
  ...{ threshold: 3, aggregation: 2, delivery: 1, callbackGasLimit: 200_000, maxOutputBytes: 1_024 },
  ...{ fee: 2n ** 128n - 1n, gasPriceCap: 2n ** 64n - 1n, deadline: 1_900_000_000n },
};

function logOf(event: "Requested" | "Fulfilled" | "Refunded" | "Withdrawn", values: readonly unknown[]): Log {
  const { topics, data } = coordinatorInterface.encodeEventLog(event, values as never);
  return {
    ...{
      address: COORDINATOR,
      topics: topics as Hex[],
      data: data as Hex,
      blockNumber: 5,
      blockHash: word(50),
    },
    ...{ transactionHash: word(51), logIndex: 3 },
  };
}

const requested = (request: Request, payload: Hex, uri: string): Log =>
  logOf("Requested", [requestId(request), request.consumer, request.policyId, request, payload, uri]);

const POSITION = { blockNumber: 5, blockHash: word(50), txHash: word(51), logIndex: 3 };

test.for([
  ["with a payload", `0x${"ab".repeat(100)}`, ""],
  ["of whole words", `0x${"ab".repeat(64)}`, ""],
  ["by URI", "0x", "ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi?größe"],
] as const)("a request %s is read as it was written", ([, payload, payloadUri]) => {
  expect(decodeCoordinatorLog(requested(REQUEST, payload, payloadUri))).toEqual({
    kind: "requested",
    requestId: requestId(REQUEST),
    request: REQUEST,
    payload,
    payloadUri,
    ...POSITION,
  });
});

/** The contract checks a URI's length and nothing else: whoever asks chooses its bytes, and must not stop who reads them. */
test.for([
  ["that is no UTF-8", "ff2fc3", "\ufffd/\ufffd"],
  ["with a zero, which PostgreSQL keeps in no text", "410042", "A\ufffdB"],
  ["that begins with a byte order mark", "efbbbf", "\ufeff"],
] as const)("a request by a URI %s is read, and its URI is not the one of its hash", ([, bytes, text]) => {
  const log = requested(REQUEST, "0x", "abc");
  const data = log.data.replace("616263", bytes) as Hex;
  expect(decodeCoordinatorLog({ ...log, data })).toMatchObject({ kind: "requested", payloadUri: text });
});

test.for([true, false])("a fulfilment, its callback delivered: %s", (delivered) => {
  expect(decodeCoordinatorLog(logOf("Fulfilled", [word(1), word(2), 4, word(3), delivered, 5n]))).toEqual({
    ...{ kind: "settled", how: "fulfilled", requestId: word(1), keysetId: word(2), status: 4 },
    callbackSucceeded: delivered,
    ...POSITION,
  });
});

test("a refund, and what settles nothing", () => {
  expect(decodeCoordinatorLog(logOf("Refunded", [word(1), 7n]))).toMatchObject({
    ...{ kind: "settled", how: "refunded", requestId: word(1), status: 0, callbackSucceeded: null },
  });
  expect(decodeCoordinatorLog(logOf("Withdrawn", [COORDINATOR, 7n]))).toBeUndefined();
  expect(decodeCoordinatorLog({ ...logOf("Refunded", [word(1), 7n]), topics: [] })).toBeUndefined();
});

describe("a node's word that is not the contract's", () => {
  const good = requested(REQUEST, `0x${"ab".repeat(40)}`, "");
  const withWord = (log: Log, index: number, value: Hex): Log => ({
    ...log,
    data: `${log.data.slice(0, 2 + index * 64)}${value.slice(2)}${log.data.slice(66 + index * 64)}` as Hex,
  });
  const fulfilled = logOf("Fulfilled", [word(1), word(2), 4, word(3), true, 5n]);

  const lies: readonly (readonly [string, Log])[] = [
    ["a requestId of other fields", { ...good, topics: [good.topics[0]!, word(1), ...good.topics.slice(2)] }],
    ["another coordinator's request", { ...good, address: `0x${"c1".repeat(20)}` }],
    ["no data", { ...good, data: "0x" }],
    ["data cut in the payload", { ...good, data: good.data.slice(0, -128) as Hex }],
    ["half a word", { ...good, data: good.data.slice(0, 70) as Hex }],
    ["a payload beyond the data", withWord(good, 19, word(2 ** 40))],
    ["a payload between two words", withWord(good, 19, word(33))],
    ["a payload at no place", withWord(good, 19, `0x${"ff".repeat(32)}`)],
    ["a length beyond the data", withWord(good, 21, `0x${"ff".repeat(32)}`)],
    ["an address with more than an address", withWord(good, 2, `0x${"11".repeat(32)}`)],
    ["an integer that its field does not hold", withWord(good, 11, word(300))],
    ["a truth value that is neither", withWord(fulfilled, 2, word(2))],
    ["too few topics", { ...fulfilled, topics: fulfilled.topics.slice(0, 2) }],
  ];

  test.for(lies)("%s", ([, log]) => {
    expect(() => decodeCoordinatorLog(log)).toThrow(
      expect.objectContaining({ code: "CHAIN_RPC_DISAGREEMENT" }),
    );
  });
});
