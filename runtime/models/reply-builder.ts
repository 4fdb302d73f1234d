import type { Json } from "../../protocol/canonical-json.ts";
import type { ModelReply, ReplyPiece, StopReason, ToolCall } from "./model-format.ts";
import { malformed } from "./response-body.ts";

type CallKey = number | string;

/** Puts a reply together from the pieces of a stream, and gives each piece once, for whoever listens. */
export class ReplyBuilder {
  usage: ModelReply["usage"] = null;
  carry: Json | null = null;
  lastCall: CallKey = 0;
  #responseId: string | null = null;
  #returnedModel: string | null = null;
  #text: string[] = [];
  #refusal: string[] = [];
  /** In the order of their first piece. */
  readonly #calls = new Map<
    CallKey,
    { readonly index: number; id: string | null; name: string; text: string[] }
  >();

  /** The last name that is not empty stands: gateways begin with an empty one. */
  identify(said: { readonly responseId?: unknown; readonly returnedModel?: unknown }): void {
    if (typeof said.responseId === "string" && said.responseId !== "") this.#responseId = said.responseId;
    if (typeof said.returnedModel === "string" && said.returnedModel !== "")
      this.#returnedModel = said.returnedModel;
  }

  /** As `identify`, where every event names the response: another one in the middle is a splice of two. */
  identifyOne(said: { readonly responseId?: unknown; readonly returnedModel?: unknown }): void {
    const isOther =
      typeof said.responseId === "string" && said.responseId !== "" && this.#responseId !== null;
    if (isOther && said.responseId !== this.#responseId)
      throw malformed("the stream goes on with another response");
    this.identify(said);
  }

  addText(text: string): readonly ReplyPiece[] {
    if (text === "") return [];
    this.#text.push(text);
    return [{ kind: "text", text }];
  }

  addRefusal(text: string): readonly ReplyPiece[] {
    if (text === "") return [];
    this.#refusal.push(text);
    return [{ kind: "refusal", text }];
  }

  /** Begins the call of this key, unless it has begun. */
  beginCall(key: CallKey, { id, name }: Pick<ToolCall, "id" | "name">): readonly ReplyPiece[] {
    this.lastCall = key;
    const known = this.#calls.get(key);
    if (known !== undefined) return [];
    if (name === "") throw malformed("a tool call has no name");
    const index = this.#calls.size;
    this.#calls.set(key, { index, id, name, text: [] });
    return [{ kind: "toolCall", index, id, name }];
  }

  addArguments(key: CallKey, text: string): readonly ReplyPiece[] {
    const call = this.#calls.get(key);
    if (call === undefined) throw malformed("arguments belong to no tool call");
    if (text === "") return [];
    call.text.push(text);
    return [{ kind: "toolArguments", index: call.index, text }];
  }

  hasArguments(key: CallKey): boolean {
    return (this.#calls.get(key)?.text.length ?? 0) > 0;
  }

  get text(): string {
    return this.#text.join("");
  }

  get toolCalls(): readonly ToolCall[] {
    return [...this.#calls.values()].map(({ id, name, text }) => ({ id, name, arguments: text.join("") }));
  }

  /** @throws {UpstreamError} MODEL_RESPONSE_MALFORMED for calls that a server wrote into one */
  build(stop: (refusal: string | null) => StopReason): ModelReply {
    const refusal = this.#refusal.length === 0 ? null : this.#refusal.join("");
    for (const { arguments: text } of this.toolCalls)
      if (isSeveralObjects(text)) throw malformed("a tool call has the arguments of several");
    return {
      returnedModel: this.#returnedModel,
      responseId: this.#responseId,
      usage: this.usage,
      stop: stop(refusal),
      text: this.text,
      refusal,
      toolCalls: this.toolCalls,
      carry: this.carry,
    };
  }
}

/** Whether a text begins with a whole JSON object and goes on: `{"x":1}{"y":2}`. */
function isSeveralObjects(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (inString && character === "\\") {
      at++;
    } else if (character === '"') {
      inString = !inString;
    } else if (!inString && character === "{") {
      depth++;
    } else if (!inString && character === "}") {
      depth--;
      if (depth === 0) return text.slice(at + 1).trim() !== "";
    }
  }
  return false;
}
