import { setTimeout as wait } from "node:timers/promises";
import type { Express } from "express";
import { InputError } from "../../protocol/errors.ts";
import { readAdminToken } from "../configured-files.ts";
import { drain } from "../engine/drain.ts";
import type { Operations } from "../http/admin.ts";
import { findArchived } from "../keeping/archived-request.ts";
import type { Archive } from "../keeping/archive.ts";
import { renderMetrics } from "../http/metrics.ts";
import { createHttpApp } from "../http/server.ts";
import { createQuoter } from "../relay/intake/quote.ts";
import { retryRequest } from "../relay/intake/retry.ts";
import { countOpen } from "../store/open-counts.ts";
import type { NodeContext } from "./node-context.ts";
import { isReady, readHealth } from "./report.ts";
import { readRuntime, type NodeParts } from "./read-runtime.ts";

interface HttpParts extends NodeParts {
  /** Absent where nothing leaves the store. */
  readonly archive: Archive | undefined;
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
    served: () => Promise.all(chains.relays.map((relay) => relay.served.read())),
    ledgers: { find: (ledger, chainId) => chains.writesOf(ledger, chainId) },
    ...(archive === undefined ? {} : { findArchived: (requestId) => findArchived(archive, requestId) }),
    ...(peers.door === undefined ? {} : { peers: peers.door }),
    ...(token === undefined ? {} : { admin: { token, operations: createOperations(context, parts) } }),
  });
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
