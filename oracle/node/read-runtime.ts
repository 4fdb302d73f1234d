import type { EnclaveSet } from "../enclaves/enclave-set.ts";
import type { RuntimeState } from "../http/runtime-state.ts";
import type { Retention } from "../keeping/retention.ts";
import { readOldestOpen } from "../store/open-counts.ts";
import type { StoreProbe } from "../store/store-probe.ts";
import type { SpanDurations } from "../telemetry/span-durations.ts";
import type { Chains } from "./chains.ts";
import type { AnswerQueue } from "./create-asking.ts";
import type { Peers } from "./create-peers.ts";
import type { NodeContext } from "./node-context.ts";
import { chainState, isReady, processState, storeFreeBytes } from "./report.ts";

/** What a node consists of, for whoever describes it. */
export interface NodeParts {
  readonly chains: Chains;
  readonly enclaves: EnclaveSet;
  readonly queue: AnswerQueue;
  readonly durations: SpanDurations;
  readonly probe: StoreProbe;
  readonly peers: Peers;
  /** Absent where nothing leaves the store. */
  readonly retention: Pick<Retention, "state"> | undefined;
}

export async function readRuntime(
  { config, store, engine, now }: NodeContext,
  { chains, enclaves, queue, durations, probe, peers, retention }: NodeParts,
): Promise<RuntimeState> {
  return {
    ready: isReady(chains, enclaves, probe),
    jobsInFlight: queue.inFlight(),
    deadLetters: await engine.countDeadLetters("answers"),
    oldest: await readOldestOpen(
      store,
      config.chains.map(({ chainId }) => chainId),
    ),
    now: now(),
    chains: chains.relays.map(chainState),
    storeFreeBytes: await storeFreeBytes(config.store),
    retention: retention?.state ?? null,
    durations: durations.read(),
    process: processState(now),
    peers: peers.exchanges.map(({ name, isReachable }) => ({ name, isReachable })),
  };
}
