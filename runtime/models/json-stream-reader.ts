import { toUtf8 } from "../../protocol/bytes.ts";
import type { Json } from "../../protocol/canonical-json.ts";
import { EventStream } from "./event-stream.ts";
import type { ModelReply, ReplyPiece, StreamReader } from "./model-format.ts";
import { malformed, parseProviderJson } from "./response-body.ts";

/** A format's own half of reading a stream: what each JSON event means. */
export interface EventReader {
  readonly onEvent: (event: Json) => readonly ReplyPiece[];
  readonly finish: () => ModelReply;
}

/** The marker after which OpenAI-compatible servers send nothing. */
const DONE = "[DONE]";

/** Events that say nothing, wherever they stand: also after the end. */
export const SIGNS_OF_LIFE: ReadonlySet<string> = new Set(["keepalive", "ping"]);

/** Reads a stream of JSON events. Nothing may follow the end that a server announced. */
export function createJsonStreamReader({ onEvent, finish }: EventReader): StreamReader {
  const events = new EventStream();
  let done = false;
  const read = (text: string): readonly ReplyPiece[] => {
    // A sign of life with nothing in it.
    if (text.trim() === "") return [];
    if (done) throw malformed("an event follows the end of the stream");
    done = text.trim() === DONE;
    return done ? [] : onEvent(parseProviderJson(toUtf8(text)));
  };
  return { read: (chunk) => events.push(chunk).flatMap(read), finish };
}
