/** The index and the metrics of a store that nodes write, in a process that only reads it: `adyton oracle serve`. */

import { InputError } from "../../protocol/errors.ts";
import { deadLetterQueue } from "../engine/engine.ts";
import { createHttpApp, listen } from "../http/server.ts";
import { findArchived } from "../keeping/archived-request.ts";
import { openArchive } from "../keeping/open-archive.ts";
import type { Logger } from "../log.ts";
import { processState } from "../node/report.ts";
import { countWaitingJobs } from "../store/dead-letters.ts";
import { countOpen, readOldestOpen } from "../store/open-counts.ts";
import { openForReading } from "../store/open-for-reading.ts";
import { bossTransaction, type ReadableStore } from "../store/store.ts";
import { type IndexState, renderIndexMetrics } from "./index-metrics.ts";
import { IndexWatch } from "./index-watch.ts";
import type { ServeConfig } from "./serve-config.ts";

export interface OpenIndex {
  readonly url: string;
  stop(): Promise<void>;
}

export interface IndexWorld {
  readonly log: Logger;
  /** Milliseconds. */
  readonly now: () => number;
}

/**
 * Opens the store to read, and serves. No key, token or enclave of the configuration is looked at.
 *
 * @throws {ConfigError} CONFIG_INVALID for a store that cannot be read, or has tables of another version
 */
export async function openIndex(config: ServeConfig, { log, now }: IndexWorld): Promise<OpenIndex> {
  const { chainIds, storeUrl, retention } = config;
  const archive = retention === undefined ? undefined : openArchive(retention.archive);
  const store = await openForReading(storeUrl);
  const watch = new IndexWatch({ store, chainIds, log, now });
  await watch.look();
  const app = createHttpApp({
    store,
    log: watch.quieten(log),
    health: () => watch.health,
    isReady: () => watch.health.store.readable,
    metrics: async () =>
      renderIndexMetrics(
        watch.health,
        watch.health.store.readable ? await readState(store, chainIds, now) : undefined,
        processState(now),
      ),
    checkReads: () => {
      watch.checkReads();
    },
    quoter: { prices: () => refuse("quotes"), quote: () => refuse("quotes") },
    twin: () => refuse("twins of receipts, which an enclave signs"),
    ledgers: { find: () => refuseNow("writes of ledgers, which enclaves sign") },
    ...(archive === undefined ? {} : { findArchived: (requestId) => findArchived(archive, requestId) }),
  });
  const http = await listen(app, config.http).catch(async (error: unknown) => {
    await watch.stop();
    await store.close();
    throw error;
  });
  return {
    url: `http://${config.http.host}:${http.port}`,
    async stop() {
      await http.close();
      await watch.stop();
      await store.close();
    },
  };
}

async function readState(
  store: ReadableStore,
  chainIds: readonly number[],
  now: () => number,
): Promise<IndexState> {
  const [open, oldest, deadLetters] = await Promise.all([
    countOpen(store),
    readOldestOpen(store, chainIds),
    countWaitingJobs(bossTransaction(store.db), deadLetterQueue("answers")),
  ]);
  return { open, oldest, deadLetters, now: now() };
}

function refuse(what: string): Promise<never> {
  return Promise.reject(elsewhere(what));
}

function refuseNow(what: string): never {
  throw elsewhere(what);
}

function elsewhere(what: string): InputError {
  return new InputError({
    code: "INPUT_NOT_FOUND",
    message: `this server serves nothing but the index: ask a node of the same operator for ${what}`,
  });
}
