/** One answer per requestId in the life of the key: whoever asks again, or meanwhile, gets the same bytes. */

import { InputError } from "../../protocol/errors.ts";
import type { Hex } from "../../protocol/bytes.ts";
import type { OnChainDomain } from "../../protocol/domain.ts";

/** Bytes of answers kept for repeats; beyond, the oldest are reduced to the fact that they were given. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024;

/** Requests remembered until their deadline: about 200 bytes each. Full means busy, never forgetful. */
const MAX_REMEMBERED = 500_000;

/** Seconds: a request that lives longer would have to be remembered longer. */
export const MAX_DEADLINE_AHEAD_SECONDS = 7 * 24 * 60 * 60;

/** What a batch says of one answer. */
export interface BatchMember {
  readonly domain: OnChainDomain;
  readonly leaf: Hex;
}

export interface LedgerAnswer {
  readonly text: string;
  /** null for an answer that no coordinator settles. */
  readonly batchMember: BatchMember | null;
}

interface Entry {
  /** null once the bytes were let go. */
  answer: Promise<string> | null;
  /** Kept as long as the entry; null while the answer is being made. */
  batchMember: BatchMember | null;
  size: number;
  readonly deadline: bigint;
}

export class AnswerLedger {
  readonly #entries = new Map<Hex, Entry>();
  readonly #maxKeptBytes: number;
  readonly #maxRemembered: number;
  #keptBytes = 0;

  constructor(limits: { readonly keptBytes?: number; readonly remembered?: number } = {}) {
    this.#maxKeptBytes = limits.keptBytes ?? MAX_KEPT_BYTES;
    this.#maxRemembered = limits.remembered ?? MAX_REMEMBERED;
  }

  /**
   * The answer in flight or given, if there is one.
   *
   * @throws {InputError} INPUT_CONFLICT when it was given and is no longer kept: it is never made a second time
   */
  find(requestId: Hex): Promise<string> | undefined {
    const entry = this.#entries.get(requestId);
    if (entry === undefined) return undefined;
    if (entry.answer !== null) return entry.answer;
    throw new InputError({
      code: "INPUT_CONFLICT",
      message: "this request was answered, and the answer is no longer kept here",
      details: { requestId },
    });
  }

  /**
   * Makes the answer, once. What fails before anything was signed is forgotten, so that it can be asked again.
   *
   * @param now seconds; entries past their deadline are dropped, since nothing is signed for those any more
   * @throws {InputError} INPUT_RATE_LIMITED when no more can be remembered
   */
  add(requestId: Hex, deadline: bigint, now: number, make: () => Promise<LedgerAnswer>): Promise<string> {
    if (this.#entries.size >= this.#maxRemembered) this.#dropExpired(now);
    if (this.#entries.size >= this.#maxRemembered) {
      throw new InputError({ code: "INPUT_RATE_LIMITED", message: "the ledger of answers is full" });
    }
    const made = make();
    const answer = made.then(({ text }) => text);
    const entry: Entry = { answer, batchMember: null, size: 0, deadline };
    this.#entries.set(requestId, entry);
    made.then(
      ({ text, batchMember }) => {
        entry.batchMember = batchMember;
        entry.size = text.length;
        this.#keptBytes += text.length;
        this.#letGo();
      },
      () => this.#entries.delete(requestId),
    );
    return answer;
  }

  /** What a batch says of the answer to `requestId`; `undefined` where none was given that a coordinator settles. */
  batchMember(requestId: Hex): BatchMember | undefined {
    return this.#entries.get(requestId)?.batchMember ?? undefined;
  }

  #letGo(): void {
    for (const entry of this.#entries.values()) {
      if (this.#keptBytes <= this.#maxKeptBytes) return;
      if (entry.size === 0) continue;
      this.#keptBytes -= entry.size;
      entry.size = 0;
      entry.answer = null;
    }
  }

  #dropExpired(now: number): void {
    for (const [requestId, entry] of this.#entries) {
      if (entry.deadline >= BigInt(now)) continue;
      this.#keptBytes -= entry.size;
      this.#entries.delete(requestId);
    }
  }
}
