/** A program's question to a model. */

import { InputError } from "../../protocol/errors.ts";
import { typedFormat, type ModelArgs } from "../../runtime/agents/call-args.ts";
import type { ModelMessage, ModelQuestion } from "../../runtime/models/model-format.ts";
import { findRefusal, thinkingOf } from "../../runtime/models/model-limits.ts";
import { createOutputContract } from "../../runtime/output/output-contract.ts";
import { placeSchema } from "../answers/question.ts";
import type { CatalogModel } from "../models/model-catalog.ts";

/** @throws {InputError} INPUT_INVALID for what the model does not take */
export function toModelQuestion(args: ModelArgs, target: CatalogModel): ModelQuestion {
  const { model, format, id } = target;
  const effort = args.effort ?? null;
  const tools = Object.entries(args.tools).map(([name, tool]) => ({ name, ...tool }));
  const asked = {
    maxOutputTokens: args.maxOutputTokens ?? model.maxOutputTokens,
    temperature: args.temperature ?? null,
    topP: null,
    seed: args.seed ?? null,
    effort,
    tools,
    toolChoice: "auto",
  } as const;
  const refusal = findRefusal(asked, model);
  if (refusal !== null)
    throw new InputError({ code: "INPUT_INVALID", message: `${id} cannot be asked this: ${refusal.reason}` });
  const messages = args.messages.map(toMessage);
  const contract = args.returns === undefined ? null : createOutputContract(typedFormat(args.returns));
  const question = placeSchema(
    {
      ...asked,
      ...thinkingOf(model, effort),
      model: model.upstreamName,
      messages,
      schema: contract?.schema ?? null,
      stream: false,
    },
    target,
  );
  // Refuses questions that the format cannot carry now, before anyone is asked.
  format.encodeQuestion(question);
  return question;
}

function toMessage(message: ModelArgs["messages"][number]): ModelMessage {
  if (message.role === "tool") return { ...message, call: toToolCall(message.call) };
  if (message.role !== "assistant" || message.reply === undefined)
    return { role: message.role, content: message.content };
  const { content, reply } = message;
  return { role: "assistant", content, toolCalls: reply.toolCalls.map(toToolCall), carry: reply.carry };
}

type RecordedToolCall = Extract<ModelArgs["messages"][number], { role: "tool" }>["call"];

function toToolCall({
  signature,
  ...call
}: RecordedToolCall): Extract<ModelMessage, { role: "tool" }>["call"] {
  return { ...call, ...(signature === undefined ? {} : { signature }) };
}
