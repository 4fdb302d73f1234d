/** The models of the behaviour file, each with the format and the way out that reach it. */

import type { Behaviour, Model, Provider } from "../configuration/behaviour.ts";
import type { Exchange } from "../egress/exchange.ts";
import type { ModelFormat } from "./model-format.ts";
import { anthropicMessages } from "./anthropic-messages.ts";
import { geminiInteractions } from "./gemini-interactions.ts";
import { gemini } from "./gemini.ts";
import { createOpenaiChat, DEFAULT_CHAT_DIALECT } from "./openai-chat.ts";
import { openaiResponses } from "./openai-responses.ts";

export interface CatalogModel {
  /** `provider/model` */
  readonly id: string;
  readonly model: Model;
  readonly provider: Provider;
  readonly format: ModelFormat;
  readonly exchange: Exchange;
}

export type ModelCatalog = ReadonlyMap<string, CatalogModel>;

function formatOf(provider: Provider): ModelFormat {
  switch (provider.format) {
    case "openai-chat":
      return createOpenaiChat(provider.dialect ?? DEFAULT_CHAT_DIALECT);
    case "openai-responses":
      return openaiResponses;
    case "anthropic-messages":
      return anthropicMessages;
    case "gemini":
      return gemini;
    case "gemini-interactions":
      return geminiInteractions;
  }
}

export function createModelCatalog(
  behaviour: Behaviour,
  createExchange: (provider: Provider) => Exchange,
): ModelCatalog {
  const catalog = new Map<string, CatalogModel>();
  for (const [name, provider] of Object.entries(behaviour.providers)) {
    const format = formatOf(provider);
    const exchange = createExchange(provider);
    for (const [modelName, model] of Object.entries(provider.models)) {
      const id = `${name}/${modelName}`;
      catalog.set(id, { id, model, provider, format, exchange });
    }
  }
  return catalog;
}
