import type { ChainContext } from "../../chain-context.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import type { Log } from "../../chain/rpc/block.ts";
import { type ChainHead, ChainSource } from "../../chain/chain-source.ts";
import { decodeCoordinatorLog } from "../../chain/abi/coordinator-log.ts";
import type { ChainEvent } from "../../chain/abi/events.ts";
import { decodeRegistryLog } from "../../chain/contracts/registry.ts";
import type { ChainSection } from "../../config.ts";
import type { Engine } from "../../engine/engine.ts";
import type { HeldLease } from "../../engine/held-lease.ts";
import type { SpanSink } from "../../telemetry/request-span.ts";
import { settledSpans } from "../../telemetry/settled-spans.ts";
import { Journal } from "./journal.ts";
import type { ServedPolicies } from "./served-policies.ts";

export interface JournaledSourceOptions extends Omit<ChainContext, "chainId"> {
  readonly config: ChainSection;
  readonly engine: Engine;
  readonly lease: HeldLease;
  readonly spans: SpanSink;
  readonly policies: ServedPolicies;
  /** Jobs were queued. */
  readonly onReleased: () => void;
  readonly onHead: (head: ChainHead) => void;
}

/** Follows one chain from now on: the coordinator's and the registry's events go to its journal in the store. */
export function createJournaledSource(options: JournaledSourceOptions): ChainSource {
  const { config, rpc, store, engine, log, lease, now, policies, onReleased, onHead } = options;
  const journal = new Journal({
    chainId: config.chainId,
    store,
    engine,
    log,
    decode: (entry) => decode(config, entry),
    lease,
    now,
    policies,
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
    maxReorgBlocks: config.maxReorgBlocks,
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
    for (const span of await settledSpans(store, config.chainId, requestIds, now())) spans.record(span);
  } catch (error) {
    log.warn("telemetry.failed", { error });
  }
}
