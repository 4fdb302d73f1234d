/** The stream of Gemini: a response after the other, each of which goes on where the last ended. */

import type { Json } from "../../protocol/canonical-json.ts";
import { PartialArguments } from "./gemini-arguments.ts";
import { GeminiResponse, signatureOf, stopReason, toUsage, type GeminiCall } from "./gemini-reply.ts";
import { createJsonStreamReader } from "./json-stream-reader.ts";
import type { ModelReply, ReplyPiece, StreamReader } from "./model-format.ts";
import { errorInBody } from "./provider-error.ts";
import { ReplyBuilder } from "./reply-builder.ts";
import { malformed, readAs, truncated } from "./response-body.ts";

export function createGeminiStreamReader(): StreamReader {
  const stream = new ResponseStream();
  return createJsonStreamReader({
    onEvent: (json) => stream.onEvent(readAs(GeminiResponse, json)),
    finish: () => stream.finish(),
  });
}

class ResponseStream {
  readonly #reply = new ReplyBuilder();
  readonly #parts: Json[] = [];
  /** Of the calls, in their order. */
  readonly #signatures: { readonly signature?: string }[] = [];
  #calls = 0;
  /** Arguments of the call that is still being written, on Vertex. */
  #partial: PartialArguments | null = null;
  #finishReason: string | null = null;
  #blocked: string | null = null;

  onEvent(response: GeminiResponse): readonly ReplyPiece[] {
    if (response.error !== undefined && response.error !== null) throw errorInBody(response.error);
    this.#reply.identifyOne({ responseId: response.responseId, returnedModel: response.modelVersion });
    this.#reply.usage = toUsage(response) ?? this.#reply.usage;
    this.#blocked ??= response.promptFeedback?.blockReason ?? null;
    const candidate = response.candidates?.find(({ index }) => (index ?? 0) === 0);
    const pieces = (candidate?.content?.parts ?? []).flatMap((part): readonly ReplyPiece[] => {
      this.#parts.push(part as unknown as Json);
      const call = part.functionCall ?? null;
      if (call !== null) {
        if ((call.name ?? null) !== null) this.#signatures.push(signatureOf(part));
        return this.#onCall(call);
      }
      return part.thought === true ? [] : this.#reply.addText(part.text ?? "");
    });
    // The first reason stands: one that follows it, or a word, would make a whole answer of a truncated one.
    if (this.#finishReason !== null && pieces.length > 0) throw malformed("a word follows the finishReason");
    this.#finishReason ??= candidate?.finishReason ?? null;
    // A call whose last piece never came is whole when the candidate is.
    return this.#finishReason === null ? pieces : [...pieces, ...this.#endCall()];
  }

  finish(): ModelReply {
    if (this.#finishReason === null && this.#blocked === null)
      throw truncated("the stream ended before its finishReason");
    const reply = this.#reply.build(() =>
      stopReason({ reason: this.#finishReason, blocked: this.#blocked, calls: this.#calls > 0 }),
    );
    const toolCalls = reply.toolCalls.map((call, index) => ({ ...call, ...this.#signatures[index] }));
    return { ...reply, toolCalls, carry: this.#calls === 0 ? null : this.#parts };
  }

  #onCall(call: GeminiCall): readonly ReplyPiece[] {
    const pieces: ReplyPiece[] = [];
    if (call.name !== undefined && call.name !== null) {
      pieces.push(...this.#endCall());
      pieces.push(...this.#reply.beginCall(this.#calls, { id: call.id ?? null, name: call.name }));
      this.#calls += 1;
      this.#partial = new PartialArguments(call.args ?? {});
    }
    if (this.#partial === null) {
      if ((call.partialArgs ?? []).length > 0) throw malformed("arguments belong to no function call");
      return pieces;
    }
    for (const argument of call.partialArgs ?? []) this.#partial.add(argument);
    return call.willContinue === true ? pieces : [...pieces, ...this.#endCall()];
  }

  #endCall(): readonly ReplyPiece[] {
    if (this.#partial === null) return [];
    const text = JSON.stringify(this.#partial.value);
    this.#partial = null;
    return this.#reply.addArguments(this.#calls - 1, text);
  }
}
