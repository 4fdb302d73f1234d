import type { Hex } from "../../protocol/bytes.ts";
import type { Log } from "../chain/block.ts";
import { ChainSource } from "../chain/chain-source.ts";
import { decodeCoordinatorLog } from "../chain/coordinator-log.ts";
import type { ChainEvent } from "../chain/events.ts";
import { decodeRegistryLog } from "../chain/registry.ts";
import type { RpcPool } from "../chain/rpc-pool.ts";
import type { ChainSection } from "../config.ts";
import type { Engine } from "../engine/engine.ts";
import type { HeldLease } from "../engine/held-lease.ts";
import type { Logger } from "../log.ts";
import type { Store } from "../store/store.ts";
import type { SpanSink } from "../telemetry/request-span.ts";
import { settledSpans } from "../telemetry/settled-spans.ts";
import { Journal } from "./journal.ts";

export interface JournaledSourceOptions {
  readonly config: ChainSection;
  readonly rpc: RpcPool;
  readonly store: Store;
  readonly engine: Engine;
  readonly log: Logger;
  readonly lease: HeldLease;
  readonly spans: SpanSink;
  /** Milliseconds. */
  readonly now: () => number;
  /** Jobs were queued. */
  readonly onReleased: () => void;
  readonly onHead: () => void;
}

/** Follows one chain from now on: the coordinator's and the registry's events go to its journal in the store. */
export function createJournaledSource(options: JournaledSourceOptions): ChainSource {
  const { config, rpc, store, engine, log, lease, now, onReleased, onHead } = options;
  const journal = new Journal({
    chainId: config.chainId,
    store,
    engine,
    log,
    decode: (entry) => decode(config, entry),
    lease,
    now,
    onReleased,
    onSettled: (requestIds) => {
      setTimeout(() => {
        void recordSettled(options, requestIds);
      }, SPANS_AFTER_MS);
    },
  });
  return new ChainSource({
    chainId: config.chainId,
    rpc,
    journal,
    log,
    addresses: [config.coordinator, config.registry],
    fromBlock: config.fromBlock,
    confirmations: config.confirmations,
    pollMs: config.pollMs,
    maxRange: config.maxBlockRange,
    onHead,
    now,
  });
}

function decode({ coordinator, chainId }: ChainSection, entry: Log): ChainEvent | undefined {
  return entry.address === coordinator
    ? decodeCoordinatorLog(entry, BigInt(chainId))
    : decodeRegistryLog(entry);
}

/** Spans have their times already. */
const SPANS_AFTER_MS = 100;

/** Nothing waits for it, and nothing fails with it. */
async function recordSettled(
  { config, store, spans, now, log }: JournaledSourceOptions,
  requestIds: readonly Hex[],
): Promise<void> {
  try {
    for (const span of await settledSpans(store, config.chainId, requestIds, now())) {
      spans.record(span);
    }
  } catch (error) {
    log.warn("telemetry.failed", { error });
  }
}
