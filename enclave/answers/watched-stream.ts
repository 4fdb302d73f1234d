import { UpstreamError } from "../../protocol/errors.ts";
import type { ModelFormat, ModelReply } from "../../runtime/models/model-format.ts";
import { malformed } from "../../runtime/models/response-body.ts";

/** Given each piece of text of a streamed answer. */
export type ReplyText = (text: string) => void;

export interface WatchedStream {
  readonly push: (chunk: Uint8Array) => void;
  /** The text that was passed on so far. */
  readonly text: () => string;
}

/** Passes text on as it comes. Unreadable text ends that; the whole is judged when it is complete. */
export function watchStream(format: ModelFormat, onText: ReplyText | undefined): WatchedStream {
  const reader = format.createStreamReader();
  let text = "";
  let broken = false;
  return {
    push: (chunk) => {
      if (broken) return;
      try {
        for (const piece of reader.read(chunk)) {
          if (piece.kind !== "text") continue;
          text += piece.text;
          onText?.(piece.text);
        }
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error;
        broken = true;
      }
    },
    text: () => text,
  };
}

/**
 * Read again from the bytes that were hashed: what is signed depends on nothing else.
 *
 * @throws {UpstreamError} when it is no whole answer, or not the one that was passed on
 */
export function readStream(format: ModelFormat, body: Uint8Array, watched: WatchedStream): ModelReply {
  const reader = format.createStreamReader();
  reader.read(body);
  const reply = reader.finish();
  if (watched.text() !== reply.text) throw malformed("the answer is not what was passed on of it");
  return reply;
}
