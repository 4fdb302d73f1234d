/**
 * What a run may still add to its receipt: whoever reads one takes so many bytes and events, and an answer whose record nobody can
 * read would be worth nothing. It is set aside before a call, since several are open at the same time.
 */

import type { Hex } from "../../protocol/bytes.ts";
import { MAX_RECEIPT_BYTES, MAX_TRANSCRIPT_EVENTS } from "../../protocol/limits.ts";
import { MAX_LOG_LINES } from "../../runtime/agents/run-loop.ts";

export interface RecordSize {
  /** Of JSON; bodies are in hex. */
  readonly characters: number;
  readonly events: number;
}

/** What a call has recorded until now, beside `known` bodies. */
export interface SizedRecord {
  readonly sizeBeside: (known: ReadonlySet<Hex>) => RecordSize;
  readonly bodyNames: Iterable<Hex>;
}

export interface ExchangeSize {
  readonly requestBytes: number;
  /** Of the response. */
  readonly mostBytes: number;
}

/** Its request, what attests the server, its end, and the call that it was for. */
export const EVENTS_OF_EXCHANGE = 4;
/** Characters of those, with a server's certificates and the headers that a program sees. */
const CHARACTERS_OF_EXCHANGE = 48 * 1024;

/** Of every call, also one that is refused: that it was made, and what came of it. */
const OF_CALL: RecordSize = { characters: 4 * 1024, events: 2 };
/** Evidence and its endorsements, the keyset, the output, the log, and the events that are of no call. */
const OF_THE_REST: RecordSize = { characters: 2.5 * 1024 * 1024, events: 16 + MAX_LOG_LINES };
const NOTHING: RecordSize = { characters: 0, events: 0 };

export class ReceiptRoom {
  #left: RecordSize;
  readonly #known = new Set<Hex>();
  readonly #open = new Map<SizedRecord, RecordSize>();

  /** @param keptBytes of the payload, the program and what proves a log: they are in the receipt before any call */
  constructor(calls: number, keptBytes: number) {
    this.#left = {
      characters: MAX_RECEIPT_BYTES - OF_THE_REST.characters - calls * OF_CALL.characters - 2 * keptBytes,
      events: MAX_TRANSCRIPT_EVENTS - OF_THE_REST.events - calls * OF_CALL.events,
    };
  }

  get left(): RecordSize {
    let left = this.#left;
    for (const [record, held] of this.#open) left = less(less(left, held), record.sizeBeside(this.#known));
    return left;
  }

  /** Whether a body of so many bytes fits. */
  fits(bytes: number): boolean {
    return 2 * bytes <= this.left.characters;
  }

  /** `record` may get longer: what it holds counts from now on. */
  open(record: SizedRecord): void {
    this.#hold(record, NOTHING);
  }

  /** `record` gets no longer. */
  close(record: SizedRecord): void {
    this.#open.delete(record);
    this.#left = less(this.#left, record.sizeBeside(this.#known));
    for (const name of record.bodyNames) this.#known.add(name);
  }

  /** Bytes that a response may have, set aside with the rest of its exchange; 0 where none fits. */
  holdExchange(record: SizedRecord, { requestBytes, mostBytes }: ExchangeSize): number {
    this.#hold(record, NOTHING);
    const { characters, events } = this.left;
    const others = CHARACTERS_OF_EXCHANGE + 2 * requestBytes;
    const bytes = Math.min(mostBytes, Math.floor((characters - others) / 2));
    if (bytes < 1 || events < EVENTS_OF_EXCHANGE) return 0;
    this.#hold(record, { characters: others + 2 * bytes, events: EVENTS_OF_EXCHANGE });
    return bytes;
  }

  #hold(record: SizedRecord, held: RecordSize): void {
    this.#open.set(record, held);
  }
}

function less(whole: RecordSize, part: RecordSize): RecordSize {
  return { characters: whole.characters - part.characters, events: whole.events - part.events };
}
