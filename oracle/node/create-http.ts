import { setTimeout as wait } from "node:timers/promises";
import type { Express } from "express";
import { InputError } from "../../protocol/errors.ts";
import { readAdminToken } from "../configured-files.ts";
import type { EnclaveSet } from "../enclaves/enclave-set.ts";
import { drain } from "../engine/drain.ts";
import type { Operations } from "../http/admin.ts";
import { findArchived } from "../keeping/archived-request.ts";
import type { Retention } from "../keeping/retention.ts";
import type { Archive } from "../keeping/archive.ts";
import { renderMetrics, type RuntimeState } from "../http/metrics.ts";
import { createHttpApp } from "../http/server.ts";
import { createQuoter } from "../relay/intake/quote.ts";
import { retryRequest } from "../relay/intake/retry.ts";
import type { StoreProbe } from "../store/store-probe.ts";
import { countOpen, readOldestOpen } from "../store/open-counts.ts";
import type { SpanDurations } from "../telemetry/span-durations.ts";
import type { Chains } from "./chains.ts";
import type { AnswerQueue } from "./create-asking.ts";
import type { Peers } from "./create-peers.ts";
import type { NodeContext } from "./node-context.ts";
import { chainState, isReady, processState, readHealth, storeFreeBytes } from "./report.ts";

interface HttpParts {
  readonly chains: Chains;
  readonly enclaves: EnclaveSet;
  readonly queue: AnswerQueue;
  readonly durations: SpanDurations;
  readonly probe: StoreProbe;
  readonly peers: Peers;
  /** Absent where nothing leaves the store. */
  readonly archive: Archive | undefined;
  readonly retention: Pick<Retention, "state"> | undefined;
  /** Ends the process in order. */
  readonly stop: () => void;
}

/** The node's HTTP routes: the index, receipts, quotes, health and metrics; with a token, what an operator may do. */
export function createHttp(context: NodeContext, parts: HttpParts): Express {
  const { config, store, log } = context;
  const { chains, enclaves, probe, peers, archive } = parts;
  const token = readAdminToken(config);
  return createHttpApp({
    store,
    log,
    health: () => readHealth(chains, enclaves, probe),
    isReady: () => isReady(chains, enclaves, probe),
    metrics: async () =>
      renderMetrics(
        await countOpen(store),
        readHealth(chains, enclaves, probe),
        await readRuntime(context, parts),
      ),
    quoter: createQuoter({ chains: chains.relays, sessions: () => enclaves.sessions }),
    twin: (keysetId, requestId) =>
      enclaves.sessions.find((session) => session.keysetId === keysetId)?.client.twin(requestId),
    ledgers: { find: (ledger, chainId) => chains.writesOf(ledger, chainId) },
    ...(archive === undefined ? {} : { findArchived: (requestId) => findArchived(archive, requestId) }),
    ...(peers.door === undefined ? {} : { peers: peers.door }),
    ...(token === undefined ? {} : { admin: { token, operations: createOperations(context, parts) } }),
  });
}

async function readRuntime(
  { config, store, engine, now }: NodeContext,
  { chains, enclaves, queue, durations, probe, peers, retention }: HttpParts,
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

function createOperations(
  { store, engine, events, log, now }: NodeContext,
  { chains, queue, stop }: Pick<HttpParts, "chains" | "queue" | "stop">,
): Operations {
  return {
    retry: async (requestId) => {
      await retryRequest(store, engine, requestId);
      events.emit("work");
      events.emit("retried");
    },
    acceptReorg: (chainId) => {
      const relay = chains.of(chainId);
      if (relay === undefined)
        throw new InputError({ code: "INPUT_NOT_FOUND", message: "this node serves no such chain" });
      relay.acceptReorg();
    },
    deadLetters: () => engine.deadLetters("answers"),
    drain: () => {
      const ended = drain({
        stopQueue: (graceMs) => queue.stop(graceMs),
        countOpen: () => countOpen(store),
        log,
        now,
        wait,
      });
      void ended.then(stop);
    },
  };
}
