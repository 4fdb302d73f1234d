/** Server-sent events (WHATWG HTML §9.2.6), as far as model providers use them: the data of each event. */

import { joinBytes } from "../../protocol/bytes.ts";
import { decodeText } from "./response-body.ts";

const LF = 0x0a;
const CR = 0x0d;

/**
 * Cuts a body into events, whatever the chunks are cut like. Bytes are decoded by whole lines, so that a character split
 * between chunks is one character, and bytes that are no UTF-8 are refused rather than replaced. An event that no empty
 * line ends is not dispatched, as the standard has it.
 */
export class EventStream {
  /** Of the line that is not ended yet. A list, since joining it anew for each chunk would be quadratic. */
  #line: Uint8Array[] = [];
  #data: string[] = [];
  #first = true;
  #afterCr = false;

  /** The data of the events that `chunk` completes. @throws {UpstreamError} MODEL_RESPONSE_MALFORMED */
  push(chunk: Uint8Array): readonly string[] {
    const events: string[] = [];
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      const secondHalf = this.#afterCr && byte === LF;
      this.#afterCr = byte === CR;
      if (byte !== LF && byte !== CR) continue;
      if (!secondHalf) this.#endLine(chunk.subarray(from, at), events);
      from = at + 1;
    }
    if (from < chunk.length) this.#line.push(chunk.slice(from));
    return events;
  }

  #endLine(rest: Uint8Array, events: string[]): void {
    let line = decodeText(this.#line.length === 0 ? rest : joinBytes([...this.#line, rest]));
    this.#line = [];
    if (this.#first && line.startsWith("\ufeff")) line = line.slice(1);
    this.#first = false;
    if (line.startsWith("data:")) {
      this.#data.push(line.slice(line.startsWith("data: ") ? 6 : 5));
    } else if (line === "" && this.#data.length > 0) {
      events.push(this.#data.join("\n"));
      this.#data = [];
    }
  }
}
