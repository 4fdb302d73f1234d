/**
 * Takes requests that ended long ago out of the store, each only after the archive has it. Whatever stops in between, or runs twice
 * on nodes of one store, leaves a request in one of both places at least: it is archived again, and deleted then.
 */

import type { Hex } from "../../protocol/bytes.ts";
import { UpstreamError } from "../../protocol/errors.ts";
import { Wakeable } from "../engine/wakeable.ts";
import type { Logger } from "../log.ts";
import { pruneRequests, readEndedBefore } from "../store/prune.ts";
import type { Store } from "../store/store.ts";
import type { Archive } from "./archive.ts";
import { archiveRequest } from "./archived-request.ts";

export interface RetentionOptions {
  readonly store: Store;
  readonly archive: Archive;
  readonly chainIds: readonly number[];
  /** How long a request stays in the store after it was asked. */
  readonly days: number;
  readonly log: Logger;
  /** Milliseconds. */
  readonly now: () => number;
}

export interface RetentionState {
  /** Requests, since the process started. */
  readonly archived: number;
  readonly failures: number;
}

const PERIOD_MS = 60_000;
const AT_ONCE = 50;
const DAY_SECONDS = 86_400;

export class Retention {
  readonly #options: RetentionOptions;
  readonly #loop: Wakeable;
  #archived = 0;
  #failures = 0;
  #isFailing = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#loop = new Wakeable(PERIOD_MS, () => this.step());
  }

  get state(): RetentionState {
    return { archived: this.#archived, failures: this.#failures };
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** @returns whether there is more to do at once */
  async step(): Promise<boolean> {
    const { store, archive, chainIds, days, log, now } = this.#options;
    const before = Math.floor(now() / 1_000) - days * DAY_SECONDS;
    let more = false;
    try {
      for (const chainId of chainIds) {
        const ended = await readEndedBefore(store, { chainId, before, limit: AT_ONCE });
        for (const requestId of ended) await archiveRequest(store, archive, requestId);
        if (ended.length > 0) await pruneRequests(store, chainId, ended);
        this.#note(chainId, ended);
        more ||= ended.length === AT_ONCE;
      }
      return more;
    } catch (error) {
      // Nothing is lost: it stays in the store.
      this.#failures += 1;
      const action = error instanceof UpstreamError ? "look at the archive" : "look at the store";
      if (!this.#isFailing) log.error("retention.failed", { archive: archive.place, error, action });
      this.#isFailing = true;
      return false;
    }
  }

  #note(chainId: number, ended: readonly Hex[]): void {
    const { archive, log } = this.#options;
    if (ended.length === 0) return;
    this.#isFailing = false;
    this.#archived += ended.length;
    log.info("retention.archived", { chainId, requests: ended.length, archive: archive.place });
  }
}
