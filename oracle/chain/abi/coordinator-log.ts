/** Events of the coordinator (contracts/src/interfaces/IOracleCoordinator.sol), read by place. */

import type { Hex } from "../../../protocol/bytes.ts";
import { AdytonError, ChainError } from "../../../protocol/errors.ts";
import { requestId as requestIdOf } from "../../../protocol/request.ts";
import { AbiWords } from "./abi-words.ts";
import type { Log } from "../rpc/block.ts";
import { coordinatorInterface as coordinator } from "../contracts/contracts.ts";
import type { DeliveredEvent, LogPosition, QuorumEvent, RequestedEvent, SettledEvent } from "./events.ts";
import { readRequested, readRequestedByUri } from "./requested-event.ts";

const ZERO_32: Hex = `0x${"00".repeat(32)}`;

export type CoordinatorEvent = RequestedEvent | SettledEvent | DeliveredEvent | QuorumEvent;

type EventName = Parameters<typeof coordinator.getEvent>[0];

type Reader = (log: Log, words: AbiWords, chainId: bigint) => CoordinatorEvent;

const BY_NAME: Readonly<Partial<Record<EventName, Reader>>> = {
  Requested: (log, words, chainId) => toRequested(log, readRequested(log, words, chainId)),
  RequestedByUri: (log, words, chainId) => toRequested(log, readRequestedByUri(log, words, chainId)),
  Fulfilled: toFulfilled,
  Refunded: (log) => toSettled(log, "refunded"),
  Delivered: (log) => ({ kind: "delivered", requestId: topic(log, 1), ...position(log) }),
  QuorumCommitted: toCommitted,
  QuorumOpened: (log, words) => toQuorum(log, "opened", wordsOf(words, 0)),
  QuorumCleared: (log) => toQuorum(log, "cleared", []),
};

const READERS: ReadonlyMap<string, Reader> = new Map(
  Object.entries(BY_NAME).map(([name, reader]) => [
    coordinator.getEvent(name as EventName).topicHash,
    reader,
  ]),
);

/**
 * A coordinator's log as an event; `undefined` for logs that settle nothing. A request whose requestId does not follow from its
 * fields is not this contract's word: the address in the configuration is wrong, or the node's chain.
 *
 * @throws {ChainError} CHAIN_RPC_DISAGREEMENT for such a log, and for one that has not its event's form
 */
export function decodeCoordinatorLog(log: Log, chainId: bigint): CoordinatorEvent | undefined {
  const read = READERS.get(log.topics[0] ?? "");
  try {
    return read?.(log, new AbiWords(log.data), chainId);
  } catch (cause) {
    if (cause instanceof AdytonError) throw cause;
    throw disagreement("an event of the coordinator has another form than its signature says", log, cause);
  }
}

function toRequested(
  log: Log,
  read: Pick<RequestedEvent, "request" | "payload" | "payloadUri">,
): RequestedEvent {
  const id = topic(log, 1);
  if (requestIdOf(read.request) !== id) {
    throw disagreement(
      "a request's event whose requestId does not follow from its fields: wrong contract, chain or node",
      log,
    );
  }
  return { kind: "requested", requestId: id, ...read, ...position(log) };
}

/** `Fulfilled(requestId indexed, keysetId indexed, status, answeredAt, outputHash, delivered, paid)` */
function toFulfilled(log: Log, words: AbiWords): SettledEvent {
  return {
    ...toSettled(log, "fulfilled"),
    status: words.number(0),
    keysetId: topic(log, 2),
    answeredAt: words.number(1),
    outputHash: words.word(2),
    callbackSucceeded: words.bool(3),
  };
}

function toSettled(log: Log, how: SettledEvent["how"]): SettledEvent {
  return {
    kind: "settled",
    requestId: topic(log, 1),
    how,
    status: 0,
    keysetId: ZERO_32,
    answeredAt: 0,
    outputHash: ZERO_32,
    callbackSucceeded: null,
    ...position(log),
  };
}

/** `QuorumCommitted(requestId indexed, bytes32[] leaves, bytes32[] keysetIds, bytes32[] platformIds, uint40 windowEndsAt)` */
function toCommitted(log: Log, words: AbiWords): QuorumEvent {
  const committed = toQuorum(log, "committed", wordsOf(words, 0));
  return { ...committed, platforms: wordsOf(words, 2), windowEndsAt: words.number(3) };
}

function toQuorum(log: Log, event: QuorumEvent["event"], leaves: readonly Hex[]): QuorumEvent {
  const requestId = topic(log, 1);
  return { kind: "quorum", requestId, event, leaves, platforms: [], windowEndsAt: 0, ...position(log) };
}

/** `MAX_MEMBERS` of the coordinator: more leaves than a set holds are no set's. */
const MAX_LEAVES = 8;

/** The array of words that the word at `index` points to. */
function wordsOf(words: AbiWords, index: number): Hex[] {
  const at = words.number(index) / 32;
  const length = words.number(at);
  if (length > MAX_LEAVES) throw new RangeError("more leaves than a quorum has");
  return Array.from({ length }, (_, item) => words.word(at + 1 + item));
}

function topic(log: Log, index: number): Hex {
  const found = log.topics[index];
  if (found === undefined) throw new RangeError("the event has too few topics");
  return found;
}

function disagreement(message: string, log: Log, cause?: unknown): ChainError {
  return new ChainError({
    code: "CHAIN_RPC_DISAGREEMENT",
    message,
    details: { requestId: log.topics[1] ?? null, coordinator: log.address },
    cause,
  });
}

function position(log: Log): LogPosition {
  return {
    blockNumber: log.blockNumber,
    blockHash: log.blockHash,
    txHash: log.transactionHash,
    logIndex: log.logIndex,
  };
}
