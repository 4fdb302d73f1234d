import * as z from "zod";
import { Answer, answerStructHash } from "../../protocol/answer.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { AdytonError } from "../../protocol/errors.ts";
import { Keyset } from "../../protocol/keyset.ts";
import { Wakeable } from "../engine/wakeable.ts";
import type { Logger } from "../log.ts";
import { readQuorumSet, type QuorumSet } from "../relay/quorum-set.ts";
import { readQuorumSteps } from "../store/quorums.ts";
import { type ShareableAnswer, readShareable } from "../store/shareable.ts";
import type { Store } from "../store/store.ts";
import type { PeerClient } from "./peer-client.ts";
import { MAX_SHARES, MAX_SHARES_BYTES, type PeerShare, type ShareResult } from "./peer-share.ts";

export interface SharedChain {
  readonly chainId: number;
  /** Seconds: of the newest block that was read; `undefined` where this process does not follow the chain. */
  readonly time: number | undefined;
}

export interface PeerExchangeOptions {
  readonly name: string;
  readonly client: Pick<PeerClient, "send">;
  readonly store: Store;
  readonly chains: () => readonly SharedChain[];
  readonly log: Logger;
  /** Milliseconds. */
  readonly now: () => number;
}

/** How often is looked whether there is something to tell: a window that ended, or a peer that came back. */
const LOOK_MS = 500;
const RETRY_MS = { least: 1_000, most: 30_000 } as const;
/** Answers that are looked at together. */
const SHARED_AT_ONCE = 500;
/** The longest window of a policy: what settles late is told this long before its time. */
const LONGEST_WINDOW_SECONDS = 300;

const Attestation = z.object({ keyset: Keyset });

/**
 * Tells one peer what this node has of open quorums: a leaf as soon as there is one; the answer behind it only when no leaf can be
 * added any more, by the chain's own time. Said again until the peer has taken it, or the request is settled.
 */
export class PeerExchange {
  readonly #options: PeerExchangeOptions;
  readonly #loop: Wakeable;
  readonly #abort = new AbortController();
  /** What the peer has taken, of what is open. */
  #told = new Set<string>();
  #failures = 0;
  #retryAt = 0;

  constructor(options: PeerExchangeOptions) {
    this.#options = options;
    this.#loop = new Wakeable(LOOK_MS, () => this.#exchange());
  }

  get name(): string {
    return this.#options.name;
  }

  /** Whether the last message reached it; nothing was said yet is taken for yes. */
  get isReachable(): boolean {
    return this.#failures === 0;
  }

  wake(): void {
    this.#loop.wake();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop.stop();
  }

  /** @returns whether there is more to tell at once */
  async #exchange(): Promise<boolean> {
    const { client, log, now, name } = this.#options;
    if (now() < this.#retryAt || this.#isStopping()) return false;
    try {
      const shares = await this.#open();
      this.#told = new Set([...this.#told].filter((key) => shares.some((share) => keyOf(share) === key)));
      const [first, ...more] = chunksOf(shares.filter((share) => !this.#told.has(keyOf(share))));
      if (first === undefined) return false;
      const results = await client.send(first, this.#abort.signal);
      this.#note(first, results);
      if (this.#failures > 0) log.info("peer.reached", { peer: name });
      this.#failures = 0;
      return more.length > 0;
    } catch (error) {
      if (this.#isStopping()) return false;
      this.#retryAt = now() + Math.min(RETRY_MS.most, RETRY_MS.least * 2 ** this.#failures);
      this.#failures += 1;
      // Said once: it is tried again for as long as there is something to tell.
      if (this.#failures === 1) log.warn("peer.unreachable", { peer: name, error });
      if (!(error instanceof AdytonError)) log.error("peer.exchange-failed", { peer: name, error });
      return false;
    }
  }

  #isStopping(): boolean {
    return this.#abort.signal.aborted;
  }

  #note(shares: readonly PeerShare[], results: readonly ShareResult[]): void {
    const { log, name } = this.#options;
    for (const [index, share] of shares.entries()) {
      const result = results[index];
      if (result === "later") continue;
      this.#told.add(keyOf(share));
      if (result === "refused")
        log.warn("peer.refused-share", { peer: name, chainId: share.chainId, requestId: share.requestId });
    }
  }

  async #open(): Promise<readonly PeerShare[]> {
    const { store, chains } = this.#options;
    const all: PeerShare[] = [];
    for (const { chainId, time } of chains()) {
      if (time === undefined) continue;
      const answers = await readShareable(store, { chainId, time, limit: SHARED_AT_ONCE });
      if (answers.length === 0) continue;
      const ids = [...new Set(answers.map(({ requestId }) => requestId))];
      const steps = await readQuorumSteps(store, chainId, ids);
      for (const answer of answers) {
        if (answer.notBefore - LONGEST_WINDOW_SECONDS > time) continue;
        all.push(toShare(chainId, answer, readQuorumSet(steps.get(answer.requestId) ?? []), time));
      }
    }
    return all;
  }
}

function toShare(chainId: number, stored: ShareableAnswer, set: QuorumSet, time: number): PeerShare {
  const answer = Answer.parse(JSON.parse(stored.answer));
  const leaf: Hex = answerStructHash(answer);
  const isOver = set.windowEndsAt !== 0 && time > set.windowEndsAt && set.leaves.has(leaf);
  const { output, stateBlockNumber, requestId, leafSignature } = stored;
  return {
    chainId,
    requestId,
    keyset: Attestation.parse(JSON.parse(stored.attestation)).keyset,
    leaf,
    leafSignature,
    opening: isOver || set.opened.has(leaf) ? { answer, output, stateBlockNumber } : null,
  };
}

function keyOf({ chainId, requestId, leaf, opening }: PeerShare): string {
  return `${chainId}/${requestId}/${leaf}/${opening === null ? "leaf" : "answer"}`;
}

/** As one message takes them. */
function chunksOf(shares: readonly PeerShare[]): PeerShare[][] {
  const chunks: PeerShare[][] = [];
  let size = 0;
  for (const share of shares) {
    // A keyset, an answer and their names are below 4 KiB.
    const bytes = 4_096 + (share.opening?.output.length ?? 0);
    const last = chunks.at(-1);
    if (last === undefined || last.length === MAX_SHARES || size + bytes > MAX_SHARES_BYTES) {
      chunks.push([share]);
      size = bytes;
    } else {
      last.push(share);
      size += bytes;
    }
  }
  return chunks;
}
