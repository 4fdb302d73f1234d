import { describe, expect, test } from "vitest";
import type { Log } from "../../../../oracle/chain/rpc/block.ts";
import { coordinatorInterface } from "../../../../oracle/chain/contracts/contracts.ts";
import { decodeCoordinatorLog } from "../../../../oracle/chain/abi/coordinator-log.ts";
import { fromHex, type Hex, toHex, toUtf8 } from "../../../../protocol/bytes.ts";
import { type Request, requestId } from "../../../../protocol/request.ts";
import { keccak } from "../../../../protocol/struct-hash.ts";

const CHAIN_ID = 31_337n;
const COORDINATOR: Hex = `0x${"c0".repeat(20)}`;
const word = (name: number): Hex => `0x${name.toString(16).padStart(64, "0")}`;

/** Every field as large as it can be, so that none runs into its neighbour unseen; the hashes are those of what it carries. */
const LARGEST: Request = {
  ...{ chainId: CHAIN_ID, coordinator: COORDINATOR, consumer: `0x${"01".repeat(20)}`, nonce: 2 ** 32 - 1 },
  ...{ requestedAt: 2n ** 40n - 1n, context: word(6) },
  ...{ payer: `0x${"02".repeat(20)}`, refundTo: `0x${"03".repeat(20)}`, subscriptionId: 2n ** 64n - 1n },
  ...{ payloadHash: word(7), payloadUriHash: word(0), policyId: word(9) },
  ...{
    threshold: 3,
    aggregation: 2,
    delivery: 1,
    callbackGasLimit: 2 ** 32 - 1,
    maxOutputBytes: 2 ** 24 - 1,
  },
  ...{ fee: 2n ** 96n - 1n, gasPriceCap: 2n ** 64n - 1n, deadline: 2n ** 40n - 1n },
};
/** And as small. */
const SMALLEST: Request = {
  ...LARGEST,
  ...{ requestedAt: 1n, nonce: 0, context: word(0), subscriptionId: 0n, threshold: 1, aggregation: 0 },
  ...{ delivery: 0, callbackGasLimit: 0, maxOutputBytes: 0, fee: 0n, gasPriceCap: 0n, deadline: 1n },
};

type EventName = Parameters<typeof coordinatorInterface.encodeEventLog>[0];

function logOf(event: EventName, values: readonly unknown[]): Log {
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

/** As the contract packs them (contracts/src/interfaces/IOracleCoordinator.sol, `Requested`). */
function packed(request: Request): readonly bigint[] {
  const widths = [64n, 40n, 40n, 32n, 24n, 8n, 8n, 8n];
  const { subscriptionId, deadline, requestedAt, nonce, maxOutputBytes } = request;
  const { threshold, aggregation, delivery } = request;
  const fields = [
    subscriptionId,
    deadline,
    requestedAt,
    nonce,
    maxOutputBytes,
    threshold,
    aggregation,
    delivery,
  ];
  return [
    (BigInt(request.payer) << 96n) | request.fee,
    (BigInt(request.refundTo) << 96n) | (request.gasPriceCap << 32n) | BigInt(request.callbackGasLimit),
    fields.reduce<bigint>((all, field, index) => (all << (widths[index] ?? 0n)) | BigInt(field), 0n),
  ];
}

function requested(terms: Request, payload: Hex): { readonly request: Request; readonly log: Log } {
  const request = { ...terms, payloadHash: keccak(fromHex(payload)) };
  const head = [requestId(request), request.consumer, request.policyId, ...packed(request), request.context];
  return { request, log: logOf("Requested", [...head, payload]) };
}

function requestedByUri(terms: Request, uri: string): { readonly request: Request; readonly log: Log } {
  const request = { ...terms, payloadUriHash: keccak(toUtf8(uri)) };
  const head = [requestId(request), request.consumer, request.policyId, ...packed(request), request.context];
  return { request, log: logOf("RequestedByUri", [...head, request.payloadHash, uri]) };
}

const POSITION = { blockNumber: 5, blockHash: word(50), txHash: word(51), logIndex: 3 };
const decode = (log: Log): unknown => decodeCoordinatorLog(log, CHAIN_ID);

test.for([
  ["of the largest values", LARGEST, `0x${"ab".repeat(100)}`],
  ["of the smallest", SMALLEST, "0x00"],
  ["with a payload of whole words", SMALLEST, `0x${"ab".repeat(64)}`],
] as const)("a request %s is read as it was made, its hash from what it carries", ([, terms, payload]) => {
  const { request, log } = requested(terms, payload);
  expect(decode(log)).toEqual({
    ...{ kind: "requested", requestId: requestId(request), request, payload, payloadUri: "" },
    ...POSITION,
  });
});

test("a request by a URI is read as it was made", () => {
  const uri = "ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi?größe";
  const { request, log } = requestedByUri(LARGEST, uri);
  expect(decode(log)).toEqual({
    ...{ kind: "requested", requestId: requestId(request), request, payload: "0x", payloadUri: uri },
    ...POSITION,
  });
});

/** The contract checks a URI's length and nothing else: whoever asks chooses its bytes, and must not stop who reads them. */
test.for([
  ["that is no UTF-8", "ff2fc3", "\ufffd/\ufffd"],
  ["with a zero, which PostgreSQL keeps in no text", "410042", "A\ufffdB"],
  ["that begins with a byte order mark", "efbbbf", "\ufeff"],
] as const)("a request by a URI %s is read, and its URI is not the one of its hash", ([, bytes, text]) => {
  const { log } = requestedByUri(SMALLEST, "abc");
  const request = { ...SMALLEST, payloadUriHash: keccak(fromHex(`0x${bytes}`)) };
  const [topic = "0x", , ...others] = log.topics;
  const changed = {
    ...log,
    topics: [topic, requestId(request), ...others],
    data: log.data.replace(toHex(toUtf8("abc")).slice(2), bytes) as Hex,
  };
  expect(decode(changed)).toMatchObject({ kind: "requested", request, payloadUri: text });
});

test.for([true, false])("a fulfilment, its callback delivered: %s", (delivered) => {
  const values = [word(1), word(2), 4, 1_790_000_000n, word(3), delivered, 5n];
  expect(decode(logOf("Fulfilled", values))).toEqual({
    ...{ kind: "settled", how: "fulfilled", requestId: word(1), keysetId: word(2), status: 4 },
    ...{ answeredAt: 1_790_000_000, outputHash: word(3), callbackSucceeded: delivered },
    ...POSITION,
  });
});

test("what becomes of a quorum's leaves, and of a callback that failed", () => {
  const keysets = [word(21), word(22)];
  const committed = [word(1), [word(11), word(12)], keysets, [word(31), word(32)], 1_790_000_030];
  expect(decode(logOf("QuorumCommitted", committed))).toEqual({
    ...{ kind: "quorum", event: "committed", requestId: word(1), leaves: [word(11), word(12)] },
    platforms: [word(31), word(32)],
    ...{ windowEndsAt: 1_790_000_030, ...POSITION },
  });
  expect(decode(logOf("QuorumOpened", [word(1), [word(12)]]))).toMatchObject({
    ...{ kind: "quorum", event: "opened", leaves: [word(12)], platforms: [], windowEndsAt: 0 },
  });
  expect(decode(logOf("QuorumCleared", [word(1)]))).toMatchObject({
    ...{ kind: "quorum", event: "cleared", leaves: [], platforms: [] },
  });
  expect(decode(logOf("Delivered", [word(1)]))).toEqual({
    ...{ kind: "delivered", requestId: word(1) },
    ...POSITION,
  });
});

test("a refund, and what settles nothing", () => {
  expect(decode(logOf("Refunded", [word(1), 7n]))).toMatchObject({
    ...{ kind: "settled", how: "refunded", requestId: word(1), status: 0, callbackSucceeded: null },
  });
  expect(decode(logOf("Withdrawn", [COORDINATOR, 7n]))).toBeUndefined();
  expect(decode({ ...logOf("Refunded", [word(1), 7n]), topics: [] })).toBeUndefined();
});

describe("a node's word that is not the contract's", () => {
  const { log: good } = requested(LARGEST, `0x${"ab".repeat(40)}`);
  const { log: byUri } = requestedByUri(LARGEST, "https://example.org/");
  const withWord = (log: Log, index: number, value: Hex): Log => ({
    ...log,
    data: `${log.data.slice(0, 2 + index * 64)}${value.slice(2)}${log.data.slice(66 + index * 64)}` as Hex,
  });
  const fulfilled = logOf("Fulfilled", [word(1), word(2), 4, 5n, word(3), true, 5n]);
  const committed = logOf("QuorumCommitted", [word(1), [word(11)], [word(21)], [word(31)], 5]);
  const [topic = "0x"] = good.topics;

  const lies: readonly (readonly [string, Log])[] = [
    ["a requestId of other fields", { ...good, topics: [topic, word(1), ...good.topics.slice(2)] }],
    ["another coordinator's request", { ...good, address: `0x${"c1".repeat(20)}` }],
    [
      "another consumer's",
      { ...good, topics: [...good.topics.slice(0, 2), word(5), ...good.topics.slice(3)] },
    ],
    ["another payload", { ...good, data: good.data.replace("abab", "abac") as Hex }],
    ["another payload's hash", withWord(byUri, 4, word(8))],
    ["another context", withWord(good, 3, word(8))],
    ["no data", { ...good, data: "0x" }],
    ["data cut in the payload", { ...good, data: good.data.slice(0, -128) as Hex }],
    ["half a word", { ...good, data: good.data.slice(0, 70) as Hex }],
    ["a payload beyond the data", withWord(good, 4, word(2 ** 40))],
    ["a payload between two words", withWord(good, 4, word(33))],
    ["a payload at no place", withWord(good, 4, `0x${"ff".repeat(32)}`)],
    ["a length beyond the data", withWord(good, 5, `0x${"ff".repeat(32)}`)],
    ["bits above the packed fields", withWord(good, 2, `0x${"ff".repeat(32)}`)],
    [
      "an address with more than an address",
      { ...good, topics: [topic, word(1), `0x${"11".repeat(32)}`, word(9)] },
    ],
    ["a truth value that is neither", withWord(fulfilled, 3, word(2))],
    ["more leaves than a quorum has", withWord(committed, 4, word(9))],
    ["too few topics", { ...fulfilled, topics: fulfilled.topics.slice(0, 2) }],
  ];

  test.for(lies)("%s", ([, log]) => {
    expect(() => decode(log)).toThrow(expect.objectContaining({ code: "CHAIN_RPC_DISAGREEMENT" }));
  });

  test("a request of another chain", () => {
    expect(() => decodeCoordinatorLog(good, CHAIN_ID + 1n)).toThrow(
      expect.objectContaining({ code: "CHAIN_RPC_DISAGREEMENT" }),
    );
  });
});
