import { malformed } from "./response-body.ts";

/** Characters of one event: a provider's final event repeats the whole answer. */
const MAX_EVENT_CHARS = 16 * 1024 * 1024;

/**
 * Reads a stream of server-sent events (WHATWG HTML §9.2.6) as its bytes arrive; gives the data of each event. Event
 * names, ids and retry times are ignored: all four vendors repeat in the data what they name.
 */
export class ServerSentEvents {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #line = "";
  #data: string[] = [];
  #afterReturn = false;

  /** @throws {UpstreamError} MODEL_RESPONSE_MALFORMED for bytes that are not UTF-8 */
  push(chunk: Uint8Array): readonly string[] {
    let text: string;
    try {
      text = this.#decoder.decode(chunk, { stream: true });
    } catch (cause) {
      throw malformed("the stream is not UTF-8", cause);
    }
    // A line feed that ends a line begun in the piece before belongs to the carriage return there.
    if (this.#afterReturn && text.startsWith("\n")) text = text.slice(1);
    if (text !== "") this.#afterReturn = text.endsWith("\r");
    const lines = `${this.#line}${text}`.split(/\r\n|\r|\n/u);
    this.#line = lines.pop() ?? "";
    if (this.#line.length > MAX_EVENT_CHARS) throw malformed("an event of the stream is too long");
    return lines.map((line) => this.#endLine(line)).filter((data) => data !== null);
  }

  #endLine(line: string): string | null {
    if (line === "") {
      const data = this.#data;
      this.#data = [];
      return data.length === 0 ? null : data.join("\n");
    }
    if (line.startsWith("data:")) this.#data.push(line.slice(line.startsWith("data: ") ? 6 : 5));
    return null;
  }
}
