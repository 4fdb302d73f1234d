import * as z from "zod";
import { type Hex, isHex } from "../../../protocol/bytes.ts";
import { ChainError } from "../../../protocol/errors.ts";
import { askedLogs } from "../rpc/asked-logs.ts";
import { data, Log, quantity, toQuantity } from "../rpc/block.ts";
import { pushFeedInterface as feed } from "./contracts.ts";
import type { RpcCall } from "../rpc/rpc-endpoint.ts";
import { callEndpoint, readReply, type RpcPool } from "../rpc/rpc-pool.ts";

/** A feed's constants (contracts/src/interfaces/IPushFeed.sol). */
export interface FeedDescription {
  readonly coordinator: Hex;
  /** 0: no schedule. */
  readonly periodSeconds: number;
  /** Between two rounds that events start. */
  readonly minIntervalSeconds: number;
  readonly answerWithinSeconds: number;
  readonly event: { readonly emitter: Hex; readonly topic: Hex } | undefined;
}

/** A feed's triggers. Seconds of the chain's time. */
export interface FeedState {
  /** When the next round of the schedule may start; `Infinity` without a schedule. */
  readonly scheduledAt: number;
  readonly eventRoundsFrom: number;
  /** The newest block whose event started a round. */
  readonly lastEventBlock: number;
}

const ZERO_ADDRESS: Hex = `0x${"00".repeat(20)}`;

/** @throws {ChainError} also when there is no feed at the address */
export async function readFeedDescription(rpc: RpcPool, address: Hex): Promise<FeedDescription> {
  const [terms, coordinator] = await readViews(rpc, address, ["terms", "COORDINATOR"]);
  const { periodSeconds, minIntervalSeconds, answerWithinSeconds, emitter, topic } = terms as Record<
    string,
    unknown
  >;
  const from = hex(emitter);
  return {
    coordinator: hex(coordinator),
    periodSeconds: Number(periodSeconds),
    minIntervalSeconds: Number(minIntervalSeconds),
    answerWithinSeconds: Number(answerWithinSeconds),
    event: from === ZERO_ADDRESS ? undefined : { emitter: from, topic: hex(topic) },
  };
}

export async function readFeedState(rpc: RpcPool, address: Hex): Promise<FeedState> {
  const [scheduledAt, from, lastEventBlock] = await readViews(rpc, address, [
    "scheduledAt",
    "eventRoundsFrom",
  ]);
  const due = BigInt(String(scheduledAt));
  return {
    scheduledAt: due > BigInt(Number.MAX_SAFE_INTEGER) ? Infinity : Number(due),
    eventRoundsFrom: Number(from),
    lastEventBlock: Number(lastEventBlock),
  };
}

/** Whether the account's word counts for events. */
export async function readIsTrigger(rpc: RpcPool, address: Hex, account: Hex): Promise<boolean> {
  const call = { to: address, data: feed.encodeFunctionData("isTrigger", [account]) };
  return BigInt(await rpc.call("eth_call", [call, "latest"], data)) === 1n;
}

export interface EventSearch {
  readonly emitter: Hex;
  readonly topic: Hex;
  readonly from: number;
  readonly to: number;
}

/** The newest block of the range in which the event fired; `undefined` for none. */
export async function readNewestEvent(
  rpc: RpcPool,
  { emitter, topic, from, to }: EventSearch,
): Promise<number | undefined> {
  const filter = {
    address: emitter,
    topics: [topic],
    fromBlock: toQuantity(from),
    toBlock: toQuantity(to),
  };
  const logs = await rpc.use((endpoint) =>
    callEndpoint(endpoint, { method: "eth_getLogs", params: [filter] }, z.array(Log)),
  );
  const blocks = askedLogs(logs, filter).map(({ blockNumber }) => blockNumber);
  return blocks.length === 0 ? undefined : Math.max(...blocks);
}

export function encodeRequestRound(): Hex {
  return hex(feed.encodeFunctionData("requestRound"));
}

export function encodeRequestEventRound(eventBlock: number): Hex {
  return hex(feed.encodeFunctionData("requestEventRound", [eventBlock]));
}

/** The gas that the call would use in the next block. @throws {ChainError} CHAIN_REVERTED when it would revert */
export function estimateRoundGas(rpc: RpcPool, call: { from: Hex; to: Hex; data: Hex }): Promise<number> {
  return rpc.call("eth_estimateGas", [call, "pending"], quantity);
}

/** What a feed follows, and what it says, by one view of the chain. */
export interface FeedValues {
  readonly source: bigint;
  /** `undefined` before the first answer. */
  readonly newest:
    | {
        readonly updatedAt: number;
        /** `undefined` where it is no number. */ readonly value: bigint | undefined;
      }
    | undefined;
}

const NO_ANSWER = feed.getError("NoAnswerYet")?.selector;
const WORD_DIGITS = 64;

/** @throws {ChainError} CHAIN_REVERTED when the view would revert, or gives no number */
export async function readFeedValues(
  rpc: RpcPool,
  address: Hex,
  source: { readonly to: Hex; readonly data: Hex },
): Promise<FeedValues> {
  const toCall = (to: Hex, input: Hex): RpcCall => ({
    method: "eth_call",
    params: [{ to, data: input }, "latest"],
  });
  const [first, second] = [
    toCall(source.to, source.data),
    toCall(address, hex(feed.encodeFunctionData("latest"))),
  ];
  return rpc.use(async (endpoint) => {
    const [followed, newest] = await endpoint.send([first, second]);
    const moved = firstWord(readReply(endpoint, first, followed, data));
    if (moved === undefined) {
      throw new ChainError({
        code: "CHAIN_REVERTED",
        message: "the view that the feed is to follow gives no number",
        details: { feed: address, view: source.to },
      });
    }
    if (newest?.ok === false && JSON.stringify(newest.failure.data ?? "").includes(NO_ANSWER ?? "?"))
      return { source: moved, newest: undefined };
    const [, updatedAt, output] = feed.decodeFunctionResult(
      "latest",
      readReply(endpoint, second, newest, data),
    ) as unknown as [bigint, bigint, string];
    return { source: moved, newest: { updatedAt: Number(updatedAt), value: firstWord(hex(output)) } };
  });
}

/** As a signed number. */
function firstWord(bytes: Hex): bigint | undefined {
  const word = bytes.slice(2, 2 + WORD_DIGITS);
  return word.length === WORD_DIGITS ? BigInt.asIntN(256, BigInt(`0x${word}`)) : undefined;
}

type View = "terms" | "COORDINATOR" | "scheduledAt" | "eventRoundsFrom";

/** Of one endpoint's one view of the chain; the results of all views in a row. */
function readViews(rpc: RpcPool, address: Hex, views: readonly View[]): Promise<unknown[]> {
  const calls = views.map((view) => ({
    method: "eth_call",
    params: [{ to: address, data: feed.encodeFunctionData(view as "terms") }, "latest"],
  }));
  return rpc.use(async (endpoint) => {
    const replies = await endpoint.send(calls);
    return calls.flatMap((call, index) => {
      const result = readReply(endpoint, call, replies[index], data);
      if (result === "0x") {
        throw new ChainError({
          code: "CHAIN_REVERTED",
          message: "there is no feed at the address",
          details: { feed: address },
        });
      }
      return [...feed.decodeFunctionResult(views[index] as "terms", result)] as unknown[];
    });
  });
}

function hex(value: unknown): Hex {
  const lower = String(value).toLowerCase();
  if (!isHex(lower)) throw new TypeError("the ABI decoder returned something other than hex");
  return lower;
}
