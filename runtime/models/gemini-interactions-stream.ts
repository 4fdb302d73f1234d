/** The stream of an interaction: its steps as they grow, and then the interaction without them. */

import * as z from "zod";
import type { Json } from "../../protocol/canonical-json.ts";
import {
  callSignatures,
  Interaction,
  Step,
  stopReason,
  textOf,
  throwFailure,
  toUsage,
} from "./gemini-interactions-reply.ts";
import { createJsonStreamReader, SIGNS_OF_LIFE } from "./json-stream-reader.ts";
import type { ModelReply, ReplyPiece, StreamReader } from "./model-format.ts";
import { errorInBody } from "./provider-error.ts";
import { ReplyBuilder } from "./reply-builder.ts";
import { anyJson, malformed, parseJsonOr, readAs, truncated } from "./response-body.ts";

const Event = z.object({
  event_type: z.string(),
  index: z.int().nullish(),
  interaction: Interaction.nullish(),
  step: Step.nullish(),
  delta: z
    .looseObject({
      type: z.string().nullish(),
      text: z.string().nullish(),
      arguments: z.union([z.string(), anyJson]).nullish(),
      signature: z.string().nullish(),
    })
    .nullish(),
  error: anyJson.nullish(),
});
type Event = z.output<typeof Event>;

export function createInteractionStreamReader(): StreamReader {
  const stream = new InteractionStream();
  return createJsonStreamReader({
    onEvent: (json) => stream.onEvent(readAs(Event, json)),
    finish: () => stream.finish(),
  });
}

/** States of an interaction that goes on, whichever event tells of it. */
const UNFINISHED: ReadonlySet<string> = new Set(["queued", "in_progress"]);

/** A step as it grows; `carry` needs it whole. */
interface GrowingStep {
  readonly start: Step;
  text: string;
  json: string;
  signature: string;
}

class InteractionStream {
  readonly #reply = new ReplyBuilder();
  readonly #steps = new Map<number, GrowingStep>();
  #ended: Interaction | null = null;

  onEvent(event: Event): readonly ReplyPiece[] {
    if (SIGNS_OF_LIFE.has(event.event_type)) return [];
    if (this.#ended !== null) throw malformed("an event follows the end of the interaction");
    switch (event.event_type) {
      case "error":
        throw errorInBody(event.error ?? null);
      case "step.start":
        return this.#start(event);
      case "step.delta":
        return this.#grow(event);
      case "step.stop":
        return this.#stop(event.index ?? 0);
      default:
        this.#onInteraction(event);
        return [];
    }
  }

  finish(): ModelReply {
    const ended = this.#ended;
    if (ended === null) throw truncated("the stream ended before the interaction did");
    const calls = this.#reply.toolCalls.length > 0;
    const reply = this.#reply.build(() => stopReason(ended.status ?? null, calls));
    const carried = this.#carried();
    const signatures = callSignatures(carried);
    const toolCalls = reply.toolCalls.map((call, index) => ({ ...call, ...signatures[index] }));
    return { ...reply, toolCalls, carry: calls ? (carried as unknown as Json) : null };
  }

  #onInteraction({ event_type: type, interaction }: Event): void {
    if (interaction === undefined || interaction === null) return;
    this.#reply.identifyOne({ responseId: interaction.id, returnedModel: interaction.model });
    if (type === "interaction.created" || UNFINISHED.has(interaction.status ?? "")) return;
    throwFailure(interaction);
    this.#reply.usage = toUsage(interaction);
    this.#ended = interaction;
  }

  #start({ index, step }: Event): readonly ReplyPiece[] {
    const key = index ?? 0;
    if (step === undefined || step === null || this.#steps.has(key))
      throw malformed("a step begins twice, or is none");
    this.#steps.set(key, { start: step, text: textOf(step), json: "", signature: "" });
    if (step.type === "function_call")
      return this.#reply.beginCall(key, { id: step.id ?? null, name: step.name ?? "" });
    return this.#reply.addText(textOf(step));
  }

  #grow({ index, delta }: Event): readonly ReplyPiece[] {
    const key = index ?? 0;
    const step = this.#steps.get(key);
    if (step === undefined) throw malformed("a delta belongs to no step");
    step.signature += delta?.signature ?? "";
    if (delta?.type === "text" && step.start.type === "model_output") {
      step.text += delta.text ?? "";
      return this.#reply.addText(delta.text ?? "");
    }
    if (step.start.type !== "function_call" || delta?.arguments === undefined || delta.arguments === null)
      return [];
    const text = typeof delta.arguments === "string" ? delta.arguments : JSON.stringify(delta.arguments);
    step.json += text;
    return this.#reply.addArguments(key, text);
  }

  /** Arguments that did not come in pieces came with the start of their step. */
  #stop(key: number): readonly ReplyPiece[] {
    const step = this.#steps.get(key);
    if (step === undefined) throw malformed("a step ends that did not begin");
    if (step.start.type !== "function_call" || step.json !== "") return [];
    step.json = JSON.stringify(step.start.arguments ?? {});
    return this.#reply.addArguments(key, step.json);
  }

  #carried(): readonly Step[] {
    return [...this.#steps.values()].map(({ start, text, json, signature }) => ({
      ...start,
      ...(start.type === "model_output" ? { content: [{ type: "text", text }] } : {}),
      ...(json === "" ? {} : { arguments: parseJsonOr(json, {}) }),
      ...(signature === "" ? {} : { signature }),
    }));
  }
}
