/** The models of the behaviour file, each with the format and the way out that reach it. */

import type { Behaviour, Model, Provider } from "../configuration/behaviour.ts";
import type { Exchange } from "../egress/exchange.ts";
import type { ModelFormat } from "../../runtime/models/model-format.ts";
import { createFormat } from "../../runtime/models/formats.ts";

export interface CatalogModel {
  /** `provider/model` */
  readonly id: string;
  readonly model: Model;
  readonly provider: Provider;
  readonly format: ModelFormat;
  readonly exchange: Exchange;
}

export type ModelCatalog = ReadonlyMap<string, CatalogModel>;

export function createModelCatalog(
  behaviour: Behaviour,
  createExchange: (provider: Provider) => Exchange,
): ModelCatalog {
  const catalog = new Map<string, CatalogModel>();
  for (const [name, provider] of Object.entries(behaviour.providers)) {
    const format = createFormat(provider.format, provider.dialect);
    const exchange = createExchange(provider);
    for (const [modelName, model] of Object.entries(provider.models)) {
      const id = `${name}/${modelName}`;
      catalog.set(id, { id, model, provider, format, exchange });
    }
  }
  return catalog;
}
