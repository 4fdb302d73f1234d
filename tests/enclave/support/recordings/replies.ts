import type { ModelFormat, ModelReply, ReplyPiece } from "../../../../runtime/models/model-format.ts";
import type { Recording } from "./recordings.ts";

export interface StreamedReply {
  readonly reply: ModelReply;
  readonly pieces: readonly ReplyPiece[];
}

/** Reads a stream whose chunks end wherever `chunkBytes` puts it: inside lines and characters too. */
export function readStream(format: ModelFormat, body: Uint8Array, chunkBytes: number): StreamedReply {
  const reader = format.createStreamReader();
  const pieces: ReplyPiece[] = [];
  for (let at = 0; at < body.length; at += chunkBytes)
    pieces.push(...reader.read(body.subarray(at, at + chunkBytes)));
  return { reply: reader.finish(), pieces };
}

export function replyOf({ format, streamed, body }: Recording): ModelReply {
  return streamed ? readStream(format, body, 1_000).reply : format.parseReply(body);
}

/** A reply put together by a listener that knows nothing but the pieces. */
export function heard(pieces: readonly ReplyPiece[]): Pick<ModelReply, "text" | "toolCalls"> {
  const calls: { id: string | null; name: string; arguments: string }[] = [];
  let text = "";
  for (const piece of pieces) {
    if (piece.kind === "text") text += piece.text;
    if (piece.kind === "toolCall") calls[piece.index] = { id: piece.id, name: piece.name, arguments: "" };
    if (piece.kind === "toolArguments") calls[piece.index]!.arguments += piece.text;
  }
  return { text, toolCalls: calls };
}
