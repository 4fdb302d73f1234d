/** One answer per requestId in the life of the key: whoever asks again, or meanwhile, gets the same bytes. */

import { InputError } from "../../protocol/errors.ts";
import type { Hex } from "../../protocol/bytes.ts";
import type { OnChainDomain } from "../../protocol/domain.ts";

/** Bytes of answers kept for repeats; beyond, the oldest are reduced to the fact that they were given. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024;

/** Requests remembered until nothing is signed for them any more: about 200 bytes each. Full means busy, never forgetful. */
const MAX_REMEMBERED = 500_000;

/** A batch's entry for one answer. */
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
  /** Seconds. */
  readonly until: bigint;
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
      message: "this request was asked here, and its answer is no longer kept: it is not asked a second time",
      details: { requestId },
    });
  }

  /**
   * Makes the answer, once. A failure before anyone was asked is forgotten, so that the question can be asked again. What fails
   * afterwards never is: asking again would be another draw.
   *
   * @param make calls `onAsked` when somebody is asked
   * @param until seconds; past it nothing is signed for the request, so that its entry may be dropped
   * @param now seconds
   * @throws {InputError} INPUT_RATE_LIMITED when no more can be remembered
   */
  add(
    requestId: Hex,
    until: bigint,
    now: number,
    make: (onAsked: () => void) => Promise<LedgerAnswer>,
  ): Promise<string> {
    if (this.#entries.size >= this.#maxRemembered) this.#dropExpired(now);
    if (this.#entries.size >= this.#maxRemembered)
      throw new InputError({ code: "INPUT_RATE_LIMITED", message: "the ledger of answers is full" });
    let hasAsked = false;
    const made = make(() => {
      hasAsked = true;
    });
    const answer = made.then(({ text }) => text);
    const entry: Entry = { answer, batchMember: null, size: 0, until };
    this.#entries.set(requestId, entry);
    made.then(
      ({ text, batchMember }) => {
        entry.batchMember = batchMember;
        entry.size = text.length;
        this.#keptBytes += text.length;
        this.#letGo();
      },
      () => {
        if (hasAsked) entry.answer = null;
        else this.#entries.delete(requestId);
      },
    );
    return answer;
  }

  /** A batch's entry for the answer to `requestId`; `undefined` where none was given that a coordinator settles. */
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
      if (entry.until >= BigInt(now)) continue;
      this.#keptBytes -= entry.size;
      this.#entries.delete(requestId);
    }
  }
}
