import type { ChainContext } from "../../chain-context.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { AdytonError, ConfigError } from "../../../protocol/errors.ts";
import type { ChainHead } from "../../chain/chain-source.ts";
import {
  encodeRequestEventRound,
  encodeRequestRound,
  estimateRoundGas,
  type FeedDescription,
  type FeedState,
  readFeedDescription,
  readFeedState,
  readFeedValues,
  readNewestEvent,
} from "../../chain/contracts/push-feed.ts";
import { type Deviation, deviates } from "./feed-deviation.ts";
import { hasOpenTransaction } from "../../store/transactions/in-flight.ts";
import type { PlannedTransaction } from "../../transmitter/planned-transaction.ts";

export interface Feed {
  readonly address: Hex;
  /** How long this node leaves a round that is due to others. */
  readonly delaySeconds: number;
  readonly deviation?: Deviation | undefined;
}

export interface FeedPlannerOptions extends ChainContext {
  readonly coordinator: Hex;
  readonly feeds: readonly Feed[];
  /** Whose account is named as the sender when estimating. */
  readonly from: Hex;
  /** Wei per gas: nobody repays the transaction that starts a round. */
  readonly feeCap: bigint;
  /** Blocks in one `eth_getLogs`. */
  readonly maxRange: number;
}

interface WatchedFeed extends Feed {
  description: FeedDescription | undefined;
  state: FeedState | undefined;
  /** The block up to which events were looked for. */
  searchedTo: number | undefined;
  /** Blocks in one `eth_getLogs`: fewer where the server refused more. */
  range: number;
  /** Whether that was the last settled block: of several events only the newest is answered. */
  isCaughtUp: boolean;
  /** The newest event found, and when it was, in milliseconds. */
  event: { readonly block: number; readonly seenAt: number } | undefined;
  /** Milliseconds: since when the number deviates. */
  deviatesSince: number | undefined;
  /** Milliseconds: nothing is tried before this time. */
  restUntil: number;
  failures: number;
}

/** Feeds that are looked at together. */
const AT_ONCE = 16;
/** A round that was planned is on its way: it is planned again when it did not get there. */
const PLANNED_MS = 15_000;
const FIRST_REST_MS = 2_000;
const LONGEST_REST_MS = 300_000;

/**
 * Starts rounds of push feeds when they are due: of the schedule, or because a watched event is settled. What makes a round
 * unique is in the feed's contract, and nothing about rounds is stored here: a restart, an empty store or a second node
 * finds out from the chain what was started.
 */
export class FeedPlanner {
  readonly #options: FeedPlannerOptions;
  readonly #feeds: readonly WatchedFeed[];

  constructor(options: FeedPlannerOptions) {
    this.#options = options;
    this.#feeds = options.feeds.map((feed) => ({
      ...feed,
      description: undefined,
      state: undefined,
      searchedTo: undefined,
      range: options.maxRange,
      isCaughtUp: false,
      event: undefined,
      deviatesSince: undefined,
      restUntil: 0,
      failures: 0,
    }));
  }

  /** A feed that fails rests, longer each time, and holds up no other. */
  async plan(head: ChainHead): Promise<PlannedTransaction[]> {
    const planned: PlannedTransaction[] = [];
    const waiting = this.#feeds.values();
    const work = async (): Promise<void> => {
      for (const feed of waiting) {
        try {
          planned.push(...(await this.#planRound(feed, head)));
        } catch (error) {
          if (!(error instanceof AdytonError)) throw error;
          this.#rest(feed, error as AdytonError);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return planned;
  }

  async #planRound(feed: WatchedFeed, head: ChainHead): Promise<PlannedTransaction[]> {
    const { now, feeCap, store, chainId, log } = this.#options;
    if (now() < feed.restUntil) return [];
    feed.description ??= await this.#describe(feed);
    feed.state ??= await readFeedState(this.#options.rpc, feed.address);
    await this.#lookForEvents(feed, feed.description, feed.state, head);
    await this.#lookForDeviation(feed, feed.description, feed.state, head);
    if (this.#dueData(feed, feed.state, head) === undefined || feeCap < (head.latest.baseFeePerGas ?? 0n))
      return [];
    // Earlier reads may be old: another node, or a transaction of ours that was mined, may have started the round.
    feed.state = await readFeedState(this.#options.rpc, feed.address);
    if (feed.deviatesSince !== undefined)
      await this.#lookForDeviation(feed, feed.description, feed.state, head);
    const data = this.#dueData(feed, feed.state, head);
    if (data === undefined || (await hasOpenTransaction(store, chainId, feed.address))) return [];
    const planned = await this.#toTransaction(feed, data);
    feed.failures = 0;
    feed.restUntil = now() + PLANNED_MS;
    log.info("feed.round-planned", { feed: feed.address, eventBlock: feed.event?.block ?? 0 });
    feed.deviatesSince = undefined;
    return [planned];
  }

  async #describe(feed: WatchedFeed): Promise<FeedDescription> {
    const description = await readFeedDescription(this.#options.rpc, feed.address);
    if (description.coordinator !== this.#options.coordinator) {
      throw new ConfigError({
        code: "CONFIG_INVALID",
        message: "the feed asks another coordinator than this node serves",
        details: { feed: feed.address, coordinator: description.coordinator },
      });
    }
    return description;
  }

  /**
   * From the last event that a round answered, a range at each call; only among settled blocks, since an event that a reorg
   * could take back starts nothing.
   */
  async #lookForEvents(
    feed: WatchedFeed,
    { event }: FeedDescription,
    { lastEventBlock }: FeedState,
    { settledNumber }: ChainHead,
  ): Promise<void> {
    const { rpc, maxRange, now } = this.#options;
    const from = (feed.searchedTo ?? lastEventBlock) + 1;
    if (event === undefined || from > settledNumber) return;
    const to = Math.min(settledNumber, from + feed.range - 1);
    let block: number | undefined;
    try {
      block = await readNewestEvent(rpc, { ...event, from, to });
    } catch (error) {
      // Servers cap the blocks of one reply, each in words of its own.
      feed.range = Math.max(1, Math.floor((to - from + 1) / 2));
      throw error;
    }
    feed.range = Math.min(maxRange, feed.range * 2);
    feed.searchedTo = to;
    feed.isCaughtUp = to === settledNumber;
    if (block !== undefined) feed.event = { block, seenAt: now() };
  }

  /**
   * A deviation is an event like another: it counts on the trigger's word, and rounds keep the feed's distance. While a round that an
   * event started is still to be answered, the old answer says nothing.
   */
  async #lookForDeviation(
    feed: WatchedFeed,
    { event, minIntervalSeconds, answerWithinSeconds }: FeedDescription,
    { eventRoundsFrom }: FeedState,
    { latest }: ChainHead,
  ): Promise<void> {
    const { rpc, now } = this.#options;
    if (feed.deviation === undefined) return;
    if (event === undefined) {
      throw new ConfigError({
        code: "CONFIG_INVALID",
        message: "no event starts rounds of the feed, so that a deviation cannot: deploy one with an emitter",
        details: { feed: feed.address },
      });
    }
    const time = Math.max(latest.timestamp, Math.floor(now() / 1_000));
    if (time < eventRoundsFrom) return;
    const values = await readFeedValues(rpc, feed.address, feed.deviation);
    const lastRoundAt = eventRoundsFrom - minIntervalSeconds;
    const isAwaited =
      (values.newest?.updatedAt ?? 0) < lastRoundAt && time < lastRoundAt + answerWithinSeconds;
    if (isAwaited || !deviates(values, feed.deviation)) feed.deviatesSince = undefined;
    else feed.deviatesSince ??= now();
  }

  /** Calldata of the round that is due here and now; an event's serves the schedule as well. */
  #dueData(
    { event, isCaughtUp, delaySeconds, deviatesSince }: WatchedFeed,
    state: FeedState,
    { latest }: ChainHead,
  ): Hex | undefined {
    const nowMs = this.#options.now();
    const time = Math.max(latest.timestamp, Math.floor(nowMs / 1_000));
    const isNew = isCaughtUp && event !== undefined && event.block > state.lastEventBlock;
    if (isNew && time >= state.eventRoundsFrom && nowMs >= event.seenAt + delaySeconds * 1_000)
      return encodeRequestEventRound(event.block);
    const isMoved = deviatesSince !== undefined && nowMs >= deviatesSince + delaySeconds * 1_000;
    if (isMoved && time >= state.eventRoundsFrom && latest.number > state.lastEventBlock)
      return encodeRequestEventRound(latest.number);
    return time >= state.scheduledAt + delaySeconds ? encodeRequestRound() : undefined;
  }

  async #toTransaction(feed: WatchedFeed, data: Hex): Promise<PlannedTransaction> {
    const { rpc, from, feeCap } = this.#options;
    const gas = await estimateRoundGas(rpc, { from, to: feed.address, data });
    return {
      kind: "round",
      to: feed.address,
      data,
      // A quarter more: state may change until it is mined.
      gasLimit: gas + Math.ceil(gas / 4),
      feeCap,
      requestIds: [],
    };
  }

  #rest(feed: WatchedFeed, error: AdytonError): void {
    const { log, now } = this.#options;
    const rest = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(feed.failures, 10));
    feed.failures += 1;
    feed.state = undefined;
    feed.restUntil = now() + rest;
    log.warn("feed.failed", { feed: feed.address, restMs: rest, error });
  }
}
